/**
 * Known ways to be wrong. Each breaks one promise of the core, the runner or the port; the simulation must see each
 * within a bounded number of schedules, or it proves nothing about the real one (`npm run mutants`).
 */
import * as raft from "../../agent/raft";
import type { Event, State } from "../../agent/raft";
import { countGtid, parseGtidSet, unionGtid, formatGtidSet } from "../../api/gtid";
import type { Core } from "./agent";
import type { WorldOptions } from "./world";
import { runSchedule } from "./schedule";
import type { Bug } from "./verbs";

export interface Mutant {
  readonly name: string;
  /** What is likely to notice it; for people. */
  readonly breaks: string;
  /** Seen only in some thousand schedules. */
  readonly rare?: boolean;
  readonly options: Pick<WorldOptions, "core" | "bugs" | "retune">;
}

const bug = (name: Bug, breaks: string, rare = false): Mutant => ({
  name,
  breaks,
  rare,
  options: { bugs: new Set([name]) },
});

/** The real core, its state or event changed before each step. */
const core = (before: (state: State, event: Event) => readonly [State, Event]): Core => ({
  ...raft,
  step: (state, event, input) => raft.step(...before(state, event), input),
});

/** The longest log wins: as many transactions pass for the same ones, whatever term they are of. */
function byCount(state: State, event: Event): readonly [State, Event] {
  if (event.type !== "receiverStopped" || state.ballot === undefined) return [state, event];
  const { request } = state.ballot;
  const [theirs, own] = [parseGtidSet(request.standing.received), parseGtidSet(event.received)];
  if (countGtid(theirs) < countGtid(own)) return [state, event];
  const lastTerm = Math.max(request.standing.lastTerm, event.term);
  const standing = { lastTerm, received: formatGtidSet(unionGtid(theirs, own)) };
  return [{ ...state, ballot: { ...state.ballot, request: { ...request, standing } } }, event];
}

const asks = (event: Event): boolean =>
  event.type === "message" && (event.message.type === "vote" || event.message.type === "preVote");

/** Whoever asks gets an answer, leader or not. */
function votesUnderALivingLeader(state: State, event: Event): readonly [State, Event] {
  if (!asks(event) || state.role.role !== "follower") return [state, event];
  return [{ ...state, startedAt: -Infinity, role: { ...state.role, answeredAt: -Infinity } }, event];
}

/** An interrupted clone passes for data. */
function trustsHalfAClone(state: State, event: Event): readonly [State, Event] {
  const trusting = { ...state.durable, cloning: false, abstain: false };
  return [event.type === "started" ? { ...state, durable: trusting } : state, event];
}

export const mutants: readonly Mutant[] = [
  bug("readsBeforeStop", "I11: the set was read while the receiver still ran", true),
  bug("skipsBarrier", "I5"),
  bug("skipsFence", "I7: the old primary goes on serving"),
  bug("armsWithoutSemisync", "I5"),
  bug("followsWithoutComparing", "I9"),
  bug("cutsNothing", "I9, I10: the tail stays"),
  bug("keepsServerUuid", "I10: one GTID, two transactions", true),
  bug("votesNotPersisted", "I4", true),
  bug("termsNotPersisted", "I3"),
  bug("terminatesOnFence", "I5: SIGTERM says OK to every waiting client"),
  bug("learnersAcknowledge", "I6"),
  bug("drainSkipped", "I1: opens before it has applied what it received"),
  { name: "dominanceByCount", breaks: "I11", rare: true, options: { core: core(byCount) } },
  {
    name: "votesUnderALivingLeader",
    breaks: "I7",
    rare: true,
    options: { core: core(votesUnderALivingLeader) },
  },
  { name: "trustsHalfAClone", breaks: "I1, I11", rare: true, options: { core: core(trustsHalfAClone) } },
  {
    name: "leaseBeyondTheElectionTimeout",
    breaks: "I7",
    options: { retune: (tuning) => ({ ...tuning, leaseMs: 4 * tuning.electionMaxMs }) },
  },
];

/** The first seed that fails with the mutant and holds without it, and how it fails. */
export function noticed({ options }: Mutant, limit: number): { seed: number; failure: string } | undefined {
  for (let seed = 1; seed <= limit; seed++) {
    const { failure } = runSchedule(seed, options);
    if (failure !== undefined && runSchedule(seed).failure === undefined) return { seed, failure };
  }
  return undefined;
}
