/** To whom leadership may be handed over without pain, and why not. Pure. */
import { nameOf, transferRefusal } from "../raft";
import type { Peer, State } from "../raft/types";

/** A target that applies for longer would keep writers waiting as long. */
export const TARGET_LAG_MAX_MS = 2_000;

export type Target = { readonly to: string } | { readonly reason: string };

/** The instance to hand over to: the one asked for, else the one that is least behind. `now`: monotonic ms. */
export function transferTarget(state: State, to: string | undefined, now: number): Target {
  const { role, durable } = state;
  if (role.role !== "leader" || role.phase !== "open" || to === nameOf(durable.memberId))
    return { reason: transferRefusal(state, to, now) ?? `${nameOf(durable.memberId)} does not lead` };
  if (to !== undefined) {
    const reason = problemOf(state, to, now) ?? transferRefusal(state, to, now);
    return reason === undefined ? { to } : { reason };
  }
  const voters = (durable.config?.voters ?? [])
    .map(nameOf)
    .filter((name) => name !== nameOf(durable.memberId));
  const fit = voters.filter((name) => problemOf(state, name, now) === undefined);
  const best = fit.sort((a, b) => lagOf(state, a) - lagOf(state, b))[0];
  if (best === undefined) {
    const why = voters.map((name) => problemOf(state, name, now)).join("; ");
    return { reason: why === "" ? "there is no other voter to hand over to" : why };
  }
  const reason = transferRefusal(state, best, now);
  return reason === undefined ? { to: best } : { reason };
}

/** What keeps an instance from taking over, in words for people. */
function problemOf(state: State, name: string, now: number): string | undefined {
  const { config, term } = state.durable;
  const id = config?.voters.find((voter) => nameOf(voter) === name);
  if (id === undefined) return notVoter(state, name);
  if (config?.witnesses.includes(id)) return `${name} is a witness: it holds no data`;
  const peer = peerOf(state, name);
  if (peer === undefined) return `${name} has not answered in this term`;
  const silentMs = now - peer.answeredAt;
  if (silentMs >= state.tuning.electionMinMs) return `${name} has not answered for ${seconds(silentMs)}`;
  if (peer.receiving !== term) return `${name} does not replicate from the primary yet`;
  if (peer.abstain) return `${name} abstains from elections until it has caught up`;
  const lagMs = peer.health?.lagMs ?? 0;
  if (lagMs > TARGET_LAG_MAX_MS)
    return `${name} lags by ${seconds(lagMs)}; writers would wait for as long (limit ${seconds(TARGET_LAG_MAX_MS)})`;
  return undefined;
}

function notVoter({ observers, intent, durable }: State, name: string): string {
  const wanted = intent?.members.find((member) => member.name === name);
  if (wanted?.role === "learner") return `${name} is a learner: it never becomes primary`;
  if (wanted !== undefined || observers.some(({ id }) => nameOf(id) === name))
    return `${name} is not a voter yet`;
  const voters = (durable.config?.voters ?? []).map(nameOf).join(", ");
  return `${name} is not an instance of this cluster; its voters are ${voters}`;
}

function peerOf({ role, durable }: State, name: string): Peer | undefined {
  const id = durable.config?.voters.find((voter) => nameOf(voter) === name);
  return role.role === "leader" && id !== undefined ? role.peers[id] : undefined;
}

const lagOf = (state: State, name: string): number => peerOf(state, name)?.health?.lagMs ?? 0;
const seconds = (ms: number): string =>
  Number.isFinite(ms) ? `${(ms / 1_000).toFixed(1)} s` : "a long time";
