/**
 * What the member remembers for people: its last election phase by phase, its last failover, what it discarded.
 * Pure: looks at the state before and after a step. Nothing here decides anything.
 */
import type { FailoverRecord, MemberStatus } from "../api/agent";
import type { State, Told } from "./raft/types";

export interface Moment {
  readonly before: State;
  readonly after: State;
  /** Monotonic ms. */
  readonly now: number;
  /** RFC 3339. */
  readonly wall: string;
}

interface Race {
  readonly startedAt: number;
  readonly phase: string;
  readonly phaseSince: number;
  readonly phasesMs: Readonly<Record<string, number>>;
  /** When the former leader was last answered; undefined when there was none. */
  readonly lastAnsweredAt?: number;
}

export interface History {
  readonly race?: Race;
  /** The last leader known that is not this member. */
  readonly formerLeader?: string;
  readonly lastFailover?: FailoverRecord;
  /** From the last answer to the former leader until open, in ms. */
  readonly outageMs?: number;
  readonly electionsStarted: number;
  readonly electionsWon: number;
  readonly discarded?: MemberStatus["discarded"];
}

export const emptyHistory: History = { electionsStarted: 0, electionsWon: 0 };

/** The one word for where the member stands: "follower", "candidate", "draining", ..., "open". */
export function stageOf(state: State): string {
  return state.role.role === "leader" ? state.role.phase : state.role.role;
}

/** The history after a step. Returns the same object when nothing of note happened. */
export function onStep(history: History, moment: Moment): History {
  const { before, after } = moment;
  if (before.role === after.role) return history;
  const known = rememberLeader(history, after);
  const from = stageOf(before);
  const to = stageOf(after);
  if (from === to && before.durable.term === after.durable.term) return known;
  if (to === "follower" || to === "quiescing") return known.race ? { ...known, race: undefined } : known;
  if (from === "open") return known;
  const race = known.race ? nextPhase(known.race, to, moment.now) : newRace(before, to, moment.now);
  const won = before.role.role !== "leader" && after.role.role === "leader" ? 1 : 0;
  const counted = {
    ...known,
    race,
    electionsStarted: known.electionsStarted + (known.race ? 0 : 1),
    electionsWon: known.electionsWon + won,
  };
  return to === "open" ? opened(counted, moment) : counted;
}

/** Notes the tail that a rewind or a clone discarded. */
export function onTold(history: History, told: Told, wall: string): History {
  // What a clone discards is told before it begins: the clone itself no longer knows.
  if (told.what !== "Rewound" && told.what !== "TransactionsDiscarded" && told.what !== "Cloned")
    return history;
  if (told.gtids === "") return history;
  const how = told.what === "Rewound" ? "rewind" : "clone";
  return { ...history, discarded: { at: wall, gtids: told.gtids, how } };
}

function rememberLeader(history: History, after: State): History {
  const leader = after.role.role === "follower" ? after.role.leader : undefined;
  if (leader === undefined || leader === history.formerLeader) return history;
  return { ...history, formerLeader: leader };
}

function newRace(before: State, phase: string, now: number): Race {
  const answeredAt = before.role.role === "follower" ? before.role.answeredAt : -Infinity;
  const lastAnsweredAt = Number.isFinite(answeredAt) ? answeredAt : undefined;
  return { startedAt: now, phase, phaseSince: now, phasesMs: {}, lastAnsweredAt };
}

function nextPhase(race: Race, phase: string, now: number): Race {
  if (race.phase === phase) return race;
  const spent = (race.phasesMs[race.phase] ?? 0) + now - race.phaseSince;
  return { ...race, phase, phaseSince: now, phasesMs: { ...race.phasesMs, [race.phase]: round(spent) } };
}

function opened(history: History, { after, now, wall }: Moment): History {
  const race = history.race;
  if (!race || after.role.role !== "leader") return history;
  const record: FailoverRecord = {
    at: wall,
    term: after.durable.term,
    from: history.formerLeader,
    to: after.durable.memberId,
    reason: reasonWord(history, after),
    phasesMs: { ...race.phasesMs, total: round(now - race.startedAt) },
  };
  const outageMs = race.lastAnsweredAt === undefined ? undefined : round(now - race.lastAnsweredAt);
  return { ...history, race: undefined, lastFailover: record, outageMs };
}

/** Whoever knew no leader before came to power at the cluster's first term, or after all of it was down. */
function reasonWord({ formerLeader }: History, after: State): FailoverRecord["reason"] {
  if (after.role.role === "leader" && after.role.cause !== "leader-silent") return after.role.cause;
  if (formerLeader !== undefined) return "leader-silent";
  return after.durable.term <= 1 ? "bootstrap" : "restart";
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
