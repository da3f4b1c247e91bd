/**
 * Known ways to be wrong. Each breaks one promise of the core, the runner or the port; the simulation must see each,
 * or it proves nothing about the real one (`make test-mutants`): within a bounded number of random schedules, or, what
 * those meet too rarely, in a story of its own (directed.ts).
 */
import type { Event, PreVote, State, Vote } from "../../agent/raft";
import { countGtid, parseGtidSet, unionGtid, formatGtidSet } from "../../api/gtid";
import type { WorldOptions } from "./world";
import * as membership from "./mutants.membership";
import * as joins from "./directed.membership";
import * as stories from "./directed";
import type { Story } from "./directed";
import { runSchedule } from "./schedule";
import type { Bug } from "./verbs";

/** Random schedules within which a mutant without a story must be seen. */
const SCHEDULES = 250;
/** Seeds a story is told with. */
export const TELLINGS = 20;

export interface Mutant {
  readonly name: string;
  /** What is likely to notice it; for people. */
  readonly breaks: string;
  /** Leads to it, where random schedules hardly do; the failure must begin with `breaks`' first word. */
  readonly story?: Story;
  readonly options: Pick<WorldOptions, "core" | "bugs" | "retune">;
}

const bug = (name: Bug, breaks: string, story?: Story): Mutant => ({
  name,
  breaks,
  story,
  options: { bugs: new Set([name]) },
});

const core = membership.before;

/** The longest log wins: as many transactions pass for the same ones, whatever term they are of. */
function byCount(state: State, event: Event): readonly [State, Event] {
  if (event.type === "receivedRead")
    return [{ ...state, preVotes: state.preVotes.map((asked) => flattered(asked, event)) }, event];
  if (event.type !== "receiverStopped" || state.ballot === undefined) return [state, event];
  return [{ ...state, ballot: { ...state.ballot, request: flattered(state.ballot.request, event) } }, event];
}

/** The request as if it held all that the voter holds, when it holds as many. */
function flattered<R extends PreVote | Vote>(request: R, voter: { received: string; term: number }): R {
  const [theirs, own] = [parseGtidSet(request.standing.received), parseGtidSet(voter.received)];
  if (countGtid(theirs) < countGtid(own)) return request;
  const lastTerm = Math.max(request.standing.lastTerm, voter.term);
  return { ...request, standing: { lastTerm, received: formatGtidSet(unionGtid(theirs, own)) } };
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
  bug(
    "readsBeforeStop",
    "I11: the set was read while the receiver still ran",
    stories.commitWhileTheVoterStops,
  ),
  bug("skipsBarrier", "I5"),
  bug("skipsFence", "I7: the old primary goes on serving"),
  bug("armsWithoutSemisync", "I5"),
  bug("followsWithoutComparing", "I9"),
  bug("cutsNothing", "I9, I10: the tail stays"),
  bug("keepsServerUuid", "I9: one GTID, two transactions", stories.cutAndLeadAgain),
  bug("votesNotPersisted", "I4", stories.lateRequestAfterRestart),
  bug("termsNotPersisted", "I3"),
  bug("terminatesOnFence", "I5: SIGTERM says OK to every waiting client"),
  bug("learnersAcknowledge", "I6"),
  bug("drainSkipped", "I1: opens before it has applied what it received"),
  {
    name: "dominanceByCount",
    breaks: "I11",
    story: stories.longTailOfAnOldTerm,
    options: { core: core(byCount) },
  },
  {
    name: "votesUnderALivingLeader",
    breaks: "I7",
    story: stories.standsAgainstALivingLeader,
    options: { core: core(votesUnderALivingLeader) },
  },
  {
    name: "trustsHalfAClone",
    breaks: "I1",
    story: stories.halfAClone,
    options: { core: core(trustsHalfAClone) },
  },
  {
    name: "changesUnsettled",
    breaks: "I12",
    story: joins.twoAfterAnother,
    options: { core: membership.changesUnsettled },
  },
  {
    name: "addsWithoutHolders",
    breaks: "I12",
    story: joins.comesBackAndHangs,
    options: { core: membership.addsWithoutHolders },
  },
  {
    name: "lowersFirst",
    breaks: "I12: k is lowered before the rest holds everything",
    story: joins.onlyTheLeavingAcknowledges,
    options: { core: membership.lowersFirst },
  },
  { name: "forgetsWhoLeft", breaks: "I6", options: { core: membership.forgetsWhoLeft } },
  { name: "addsTwoAtOnce", breaks: "I12", options: { core: membership.addsTwoAtOnce } },
  {
    name: "witnessGrantsAll",
    breaks: "I12",
    story: joins.theWitnessKnowsBetter,
    options: { core: membership.witnessGrantsAll },
  },
  {
    name: "recoversUnderTheOldId",
    breaks: "I1",
    story: joins.theLostComeBack,
    options: { core: membership.recoversUnderTheOldId },
  },
  bug("excludesNobody", "I6", joins.itsAgentIsDead),
  {
    name: "forgetsWhoLeftByTerms",
    breaks: "I6",
    story: joins.itsAgentIsDeadForLong,
    options: { core: membership.forgetsWhoLeftByTerms },
  },
  bug("setAcksIgnored", "I5"),
  bug("finiteTimeout", "I5: semi-sync gives up, the client gets OK"),
  bug("waitsForNoReplica", "I5: nobody is connected, the client gets OK"),
  {
    name: "leaseBeyondTheElectionTimeout",
    breaks: "I7",
    options: { retune: (tuning) => ({ ...tuning, leaseMs: 4 * tuning.electionMaxMs }) },
  },
];

export interface Noticed {
  readonly seed: number;
  readonly failure: string;
}

/** The first seed that fails with the mutant and holds without it, and how it fails. */
export function noticed({ options, story, breaks }: Mutant): Noticed | undefined {
  const fails = (seed: number, how: Mutant["options"]): string | undefined =>
    story === undefined ? runSchedule(seed, how).failure : tell(story, { ...how, seed });
  const expected = story === undefined ? "" : `${breaks.split(/\W/, 1).join()}:`;
  for (let seed = 1; seed <= (story === undefined ? SCHEDULES : TELLINGS); seed++) {
    const failure = fails(seed, options);
    if (failure?.startsWith(expected) === true && fails(seed, {}) === undefined) return { seed, failure };
  }
  return undefined;
}

/** Why the story ends badly; undefined = it ends well. */
export function tell(story: Story, options: Partial<WorldOptions>): string | undefined {
  try {
    story(options);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
