/** Who serves reads behind `<c>-replicas` and the pools' Services, as the leader hears it in the heartbeats' answers. Pure. */
import type { Intent, PublishedEndpoint, WantedMember } from "../../api/agent";
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
  /** Instances that the intent wants no more leave before they stop; undefined = all are wanted. */
  readonly wanted?: readonly string[];
}

/** The endpoints, sorted by instance. */
export function replicasEndpoints(input: ReplicasInput): readonly PublishedEndpoint[] {
  const { leader, self, usePrimary, wanted } = input;
  const serving = Object.values(leader.peers)
    .filter(({ id }) => wanted === undefined || wanted.includes(instanceOf(id)))
    .filter((peer) => input.now - peer.answeredAt <= input.silentMs)
    .filter(
      ({ health }) => health?.serving === true && health.address !== "" && health.lagMs <= input.maxLagMs,
    )
    .map(({ id, health }) => endpointOf(instanceOf(id), health?.address ?? ""));
  const withPrimary = usePrimary === "always" || (usePrimary === "fallback" && serving.length === 0);
  const all = withPrimary ? [...serving, self] : serving;
  return [...all].sort((a, b) => (a.instance < b.instance ? -1 : 1));
}

export interface PoolsInput extends Pick<ReplicasInput, "leader" | "maxLagMs" | "now" | "silentMs"> {
  readonly members: readonly WantedMember[];
  /** The leader's. */
  readonly term: number;
}

/**
 * The endpoints of each pool of read replicas, by its name; a pool that nobody serves has none. A delayed one is
 * late on purpose: there it is enough that it replicates from this leader.
 */
export function poolsEndpoints(input: PoolsInput): ReadonlyMap<string, readonly PublishedEndpoint[]> {
  const pools = new Map<string, PublishedEndpoint[]>();
  for (const { name, pool, delayMs = 0 } of input.members) {
    if (pool === undefined) continue;
    const serving = Object.values(input.leader.peers).filter(
      ({ id, answeredAt, health, receiving }) =>
        instanceOf(id) === name &&
        input.now - answeredAt <= input.silentMs &&
        health !== undefined &&
        health.address !== "" &&
        (delayMs > 0 ? receiving === input.term : health.serving && health.lagMs <= input.maxLagMs),
    );
    const endpoints = serving.map(({ health }) => endpointOf(name, health?.address ?? ""));
    pools.set(pool, [...(pools.get(pool) ?? []), ...endpoints]);
  }
  return pools;
}

function endpointOf(instance: string, ip: string): PublishedEndpoint {
  return { instance, pod: names.pod(instance), ip };
}
