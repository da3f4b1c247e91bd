/** Handing over: planned (transfer, shutdown), forced (mysqld died, lease lost), and who is asked next. */
import { electionQuorum } from "../../api/quorum";
import { countGtid, parseGtidSet } from "../../api/gtid";
import { containsText } from "./standing";
import { chain, deadline, nameOf, otherVoters, send, stay, verb, votersOf } from "./state";
import { rearmElection, resign } from "./term";
import type { HandOver, Input, Leader, Peer, State, Step } from "./types";

/** How long a planned hand-over may take before leadership is given up without waiting further. */
export const TRANSFER_LIMIT_MS = 5_000;

/** Why leadership cannot be handed over now, as a sentence for the user; undefined = it can. */
export function transferRefusal(state: State, to: string | undefined, now: number): string | undefined {
  const { role, durable } = state;
  if (role.role !== "leader") return `${nameOf(durable.memberId)} is not the leader`;
  if (role.phase !== "open") return `${nameOf(durable.memberId)} is ${role.phase}; try again when it is open`;
  if (to === nameOf(durable.memberId)) return `${to} is the primary already`;
  const fit = successors(state, role, now);
  if (fit.length > 0 && !mayElect(state, role, now))
    return "too few voters could elect another: some are away, or have just been cloned; try again in a moment";
  if (to === undefined) return fit.length > 0 ? undefined : "no replica follows; wait until one does";
  const names = fit.map(({ id }) => nameOf(id));
  return names.includes(to)
    ? undefined
    : `${to} is not a healthy voter; choose ${names.join(" or ") || "none: no replica follows"}`;
}

/**
 * Whether so many voters may vote for another: who abstains goes by who won, and refuses any other than this leader. A
 * hand-over would only cost a term.
 */
function mayElect(state: State, { peers }: Leader, now: number): boolean {
  const free = otherVoters(state).filter((id) => {
    const peer = peers[id];
    return peer !== undefined && !peer.abstain && now - peer.answeredAt < state.tuning.electionMinMs;
  });
  return free.length + 1 >= electionQuorum(votersOf(state).length);
}

/** Voters that follow and answered lately, the fullest first. */
function successors(state: State, role: Leader, now: number): Peer[] {
  const witnesses = state.durable.config?.witnesses ?? [];
  // Nobody receives from a leader that still drains: then who holds the elected set is as good.
  const follows = ({ receiving, received }: Peer): boolean =>
    receiving === state.durable.term ||
    (role.phase === "draining" && containsText(received, role.electedSet));
  return otherVoters(state)
    .flatMap((id) => role.peers[id] ?? [])
    .filter((peer) => !witnesses.includes(peer.id) && !peer.abstain && follows(peer))
    .filter(({ answeredAt }) => now - answeredAt < state.tuning.electionMinMs)
    .sort((a, b) => countGtid(parseGtidSet(b.received)) - countGtid(parseGtidSet(a.received)));
}

/** Planned: the gate closes, waiters go, then TimeoutNow. */
export function onTransfer(state: State, to: string | undefined, reason: string, input: Input): Step {
  if (state.role.role !== "leader" || transferRefusal(state, to, input.now) !== undefined) return stay(state);
  return quiesce(state, to, reason, input);
}

/** This leader is not wanted any more: it hands over to the best voter that is. */
export function onTransferToWanted(state: State, input: Input): Step {
  const { role, intent } = state;
  if (role.role !== "leader" || !mayElect(state, role, input.now)) return stay(state);
  const wanted = successors(state, role, input.now).find(({ id }) =>
    intent?.members.some(({ name, role: as }) => name === nameOf(id) && as === "voter"),
  );
  return wanted === undefined
    ? stay(state)
    : quiesce(state, nameOf(wanted.id), "it leaves the cluster", input);
}

function quiesce(state: State, to: string | undefined, reason: string, input: Input): Step {
  if (state.role.role !== "leader") return stay(state);
  const role: Leader = { ...state.role, phase: "quiescing", transferTo: to, reason };
  const next = deadline({ ...state, role }, { transfer: input.now + TRANSFER_LIMIT_MS });
  return [next, [{ do: "closeGate" }, verb(next, { verb: "quiesce" })]];
}

/** No client is in and no commit waits. */
export function onQuiesced(state: State, input: Input): Step {
  if (state.role.role !== "leader" || state.role.phase !== "quiescing") return stay(state);
  return retire(state, { cause: "transfer", reason: state.role.reason }, input);
}

/** The hand-over did not come to its end in time: give up leadership all the same, fenced. */
export function onTransferLimit(state: State, input: Input): Step {
  const next = deadline(state, { transfer: undefined });
  return next.role.role === "leader"
    ? retire(next, { cause: "transfer", reason: "the hand-over took too long" }, input)
    : exitWhenDone(next);
}

interface Retirement {
  readonly cause: HandOver;
  /** For people. */
  readonly reason: string;
}

/** Its commits wait for acknowledgements that do not come: the fence frees them, another member tries. */
export function onStalled(state: State, input: Input): Step {
  return retire(state, { cause: "stalled", reason: "its commits were not acknowledged in time" }, input);
}

/**
 * Gives up the lease and this term for ever, then asks the best follower to stand (agent.md, Election 6). The
 * successor needs no vote of this member; the fence runs beside its election.
 */
export function retire(state: State, { cause, reason }: Retirement, input: Input): Step {
  const { role } = state;
  if (role.role !== "leader") return stay(state);
  const fit = successors(state, role, input.now);
  const chosen = fit.find(({ id }) => nameOf(id) === role.transferTo) ?? fit[0];
  return chain(
    resign(state, reason, input),
    (now) => [
      rearmElection(now, input),
      chosen === undefined
        ? []
        : [send(now, chosen.id, { type: "timeoutNow", term: now.durable.term, cause })],
    ],
    exitWhenDone,
  );
}

/** The pod is to end: a leader hands over first. */
export function onShutdown(state: State, input: Input): Step {
  const next: State = deadline({ ...state, shuttingDown: true }, { transfer: input.now + TRANSFER_LIMIT_MS });
  const { role } = next;
  if (role.role === "leader" && role.phase === "open")
    return quiesce(next, undefined, "the pod is shut down", input);
  if (role.role === "leader" && role.phase === "quiescing") return stay(next);
  return role.role === "leader"
    ? retire(next, { cause: "transfer", reason: "the pod is shut down" }, input)
    : exitWhenDone(next);
}

/** Ends the process once nothing of leadership is left. A fence that had to kill leaves nothing to stop cleanly. */
export function exitWhenDone(state: State): Step {
  if (!state.shuttingDown || state.fencing || state.role.role === "leader") return stay(state);
  return [deadline(state, { transfer: undefined }), [{ do: "exit", clean: !state.writable }]];
}

/** mysqld died under a leader: it cannot lead on, and hands over at once. */
export function onLeadersMysqldDied(state: State, input: Input): Step {
  return retire(state, { cause: "mysqld-died", reason: "mysqld died" }, input);
}
