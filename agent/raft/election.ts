/** The candidate's side: silence, pre-vote, candidacy, victory (agent.md, Election 1 and 3). */
import { electionQuorum } from "../../api/quorum";
import { learnConfig } from "./bootstrap";
import { standingOf } from "./standing";
import { chain, dataVoters, isVoter, otherVoters, persist, send, stay, verb, votersOf } from "./state";
import { becomeLeader } from "./leader";
import { enterTerm, leaderIsAlive, rearmElection } from "./term";
import { canStand } from "./vote";
import type {
  Candidate,
  Input,
  PreVoteReply,
  Standing,
  State,
  Step,
  Term,
  TimeoutNow,
  VoteReply,
} from "./types";

/** The election timeout has passed without a leader. */
export function onElectionTimeout(state: State, input: Input): Step {
  const next = rearmElection(state, input);
  if (next.role.role === "leader" || !canStand(next) || !(next.tuning.autoFailover || standsAnyway(next)))
    return stay(next);
  const role: Candidate = {
    role: "preCandidate",
    term: next.durable.term + 1,
    votes: [],
    transfer: 0,
    cause: next.cause ?? "leader-silent",
    since: input.now,
  };
  return [{ ...next, role, ballot: undefined }, [verb(next, { verb: "readReceived" })]];
}

/** Where a failover without all of them is impossible, `autoFailover` decides nothing: somebody must lead after a restart. */
function standsAnyway({ durable: { config } }: State): boolean {
  if (config === undefined) return false;
  return dataVoters(config).length === 1 || (config.voters.length === 2 && config.witnesses.length === 0);
}

/** The set was read, nothing stopped: ask around whether an election could be won. */
export function askPreVotes(state: State, input: Input): Step {
  const { role, durable } = state;
  if (role.role !== "preCandidate" || role.standing !== undefined) return stay(state);
  const standing = standingOf(durable, state.received);
  const next: State = { ...state, role: { ...role, standing, votes: [durable.memberId] } };
  const asks = otherVoters(next).map((to) =>
    send(next, to, { type: "preVote", ...candidacy(next, role, standing) }),
  );
  return chain([next, asks], (now) => countPreVotes(now, input));
}

export function onPreVoteReply(state: State, reply: PreVoteReply, input: Input): Step {
  const { config, clusterId } = reply;
  const learnt = config === undefined ? stay(state) : learnConfig(state, clusterId, config, input);
  return chain(learnt, (now) => onPreVoteAnswer(now, reply, input));
}

function onPreVoteAnswer(state: State, reply: PreVoteReply, input: Input): Step {
  if (reply.term > state.durable.term) return leaveBehind(state, reply.term, input);
  const { role } = state;
  if (role.role !== "preCandidate" || reply.askedTerm !== role.term || !reply.granted) return stay(state);
  return countPreVotes({ ...state, role: withVote(role, reply.from) }, input);
}

function countPreVotes(state: State, input: Input): Step {
  const { role } = state;
  if (role.role !== "preCandidate" || !isMajority(state, role)) return stay(state);
  return becomeCandidate(state, role, input);
}

/** Enters the next term with the own vote, the own receiver stopped. */
export function becomeCandidate(
  state: State,
  { transfer, cause }: Pick<Candidate, "transfer" | "cause">,
  input: Input,
): Step {
  const term = state.durable.term + 1;
  return chain(persist(state, { term, vote: state.durable.memberId }), (now) => {
    const role: Candidate = { role: "candidate", term, votes: [], transfer, cause, since: input.now };
    const next = rearmElection({ ...now, role, ballot: undefined, preVotes: [] }, input);
    return [next, [verb(next, { verb: "stopReceiver" })]];
  });
}

/** The receiver has stopped: the set is final, ask for votes with it. */
export function askVotes(state: State, input: Input): Step {
  const { role, durable } = state;
  if (role.role !== "candidate" || role.standing !== undefined) return stay(state);
  const standing = standingOf(durable, state.received);
  const next: State = { ...state, role: { ...role, standing, votes: [durable.memberId] } };
  const asks = otherVoters(next).map((to) =>
    send(next, to, { type: "vote", ...candidacy(next, role, standing) }),
  );
  return chain([next, asks], (now) => countVotes(now, input));
}

export function onVoteReply(state: State, reply: VoteReply, input: Input): Step {
  if (reply.term > state.durable.term) return leaveBehind(state, reply.term, input);
  const { role } = state;
  if (role.role !== "candidate" || reply.term !== role.term || !reply.granted) return stay(state);
  return countVotes({ ...state, role: withVote(role, reply.from) }, input);
}

function countVotes(state: State, input: Input): Step {
  const { role } = state;
  if (role.role !== "candidate" || role.standing === undefined || !isMajority(state, role))
    return stay(state);
  return becomeLeader(state, role, input);
}

/** TimeoutNow: the leader of this term has given it up and wants this member next (agent.md, Election 6). */
export function onTimeoutNow(state: State, { term, cause }: TimeoutNow, input: Input): Step {
  if (term !== state.durable.term || !canStand(state) || state.role.role !== "follower") return stay(state);
  return becomeCandidate(state, { transfer: term, cause }, input);
}

/** A late answer of a higher term must not tear a follower from a leader whose lease counts on it (I7). */
function leaveBehind(state: State, term: Term, input: Input): Step {
  if (state.role.role !== "leader" && leaderIsAlive(state, 0, input)) return stay(state);
  return isVoter(state) ? enterTerm(state, term, input) : stay(state);
}

function candidacy({ durable }: State, { term, transfer, cause }: Candidate, standing: Standing) {
  const { config, ledTerm } = durable;
  return {
    term,
    transfer,
    cause,
    standing,
    configTerm: config?.term ?? 0,
    configVersion: config?.version ?? 0,
    won: ledTerm,
  };
}

const withVote = (role: Candidate, from: string): Candidate => ({
  ...role,
  votes: [...new Set([...role.votes, from])],
});

function isMajority(state: State, { votes }: Candidate): boolean {
  const voters = votersOf(state);
  return votes.filter((id) => voters.includes(id)).length >= electionQuorum(voters.length);
}
