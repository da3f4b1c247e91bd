/** Who serves reads behind `<c>-replicas`, as the leader hears it in the heartbeats' answers. Pure. */
import type { Intent, PublishedEndpoint } from "../../api/agent";
import { names } from "../../api/names";
import { instanceOf } from "../names";
import type { Leader } from "../raft/types";

export interface ReplicasInput {
  readonly leader: Leader;
  /** The leader's own endpoint. */
  readonly self: PublishedEndpoint;
  readonly maxLagMs: number;
  readonly usePrimary: Intent["usePrimary"];
  /** Monotonic ms. */
  readonly now: number;
  /** A replica unheard of for longer is out, in ms. */
  readonly silentMs: number;
}

/** The endpoints, sorted by instance. */
export function replicasEndpoints(input: ReplicasInput): readonly PublishedEndpoint[] {
  const { leader, self, usePrimary } = input;
  const serving = Object.values(leader.peers)
    .filter((peer) => input.now - peer.answeredAt <= input.silentMs)
    .filter(
      ({ health }) => health?.serving === true && health.address !== "" && health.lagMs <= input.maxLagMs,
    )
    .map(({ id, health }) => endpointOf(instanceOf(id), health?.address ?? ""));
  const withPrimary = usePrimary === "always" || (usePrimary === "fallback" && serving.length === 0);
  const all = withPrimary ? [...serving, self] : serving;
  return [...all].sort((a, b) => (a.instance < b.instance ? -1 : 1));
}

function endpointOf(instance: string, ip: string): PublishedEndpoint {
  return { instance, pod: names.pod(instance), ip };
}
