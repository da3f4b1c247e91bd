/**
 * The voter's side: pre-votes and votes (agent.md, Election 2 and 4).
 *
 * A vote is given only with the receiver stopped, so that the set it is compared by cannot grow behind the
 * candidate's back; with mysqld fenced, so that no voter outside the electorate can still acknowledge to it; and
 * from disk, so that no crash gives it twice.
 */
import { onVoteMissed } from "./recovery";
import { configNewer, dominates, standingOf } from "./standing";
import { chain, follower, isVoter, isWitness, persist, send, stay, verb } from "./state";
import { enterTerm, fence, fromVoter, leaderIsAlive, rearmElection, standSoon } from "./term";
import type { Configuration, Input, PreVote, State, Step, Vote } from "./types";

/** A pre-vote changes nothing; it is answered from the set as it is. */
export function onPreVote(state: State, request: PreVote, input: Input): Step {
  // Who asks by an old configuration may have left it, and cannot know.
  if (isVoter(state) && !fromVoter(state, request) && newerConfig(state, request).config !== undefined)
    return [state, [preVoteReply(state, request, false)]];
  if (!isVoter(state) || !fromVoter(state, request) || leaderIsAlive(state, request.transfer, input))
    return stay(state);
  if (request.term <= state.durable.term) return [state, [preVoteReply(state, request, false)]];
  if (votesUnseen(state)) return [state, [preVoteReply(state, request, grants(state, request))]];
  // Who cannot read its set does not answer.
  if (state.mysqld !== "running") return stay(onVoteMissed(state, input));
  const preVotes = [...state.preVotes.filter(({ from }) => from !== request.from), request];
  return [{ ...state, preVotes }, [verb(state, { verb: "readReceived" })]];
}

/** Answers the pre-votes that waited for `state.received` to be read. */
export function answerPreVotes(state: State, input: Input): Step {
  const answer = (now: State, request: PreVote): Step => {
    if (leaderIsAlive(now, request.transfer, input)) return stay(now);
    const granted = request.term > now.durable.term && grants(now, request) && !goesFirst(now, request);
    const next = granted ? yieldTo(now, input) : better(now, request) ? standSoon(now, input) : now;
    return [next, [preVoteReply(next, request, granted)]];
  };
  const steps = state.preVotes.map((request) => (now: State) => answer(now, request));
  return chain([{ ...state, preVotes: [] }, []], ...steps);
}

/** Two that stand at once with the same data would split the votes: the lower id goes first. */
function goesFirst({ role, durable }: State, { from, standing }: PreVote): boolean {
  const equal =
    role.role === "preCandidate" && role.standing !== undefined && dominates(role.standing, standing);
  return equal && durable.memberId < from;
}

function yieldTo(state: State, input: Input): State {
  return state.role.role === "preCandidate" ? rearmElection({ ...state, role: follower() }, input) : state;
}

/** A vote request: fence and stop the receiver first, answer when both have ended. */
export function onVote(state: State, request: Vote, input: Input): Step {
  if (!isVoter(state) || !fromVoter(state, request) || leaderIsAlive(state, request.transfer, input))
    return stay(state);
  if (request.term < state.durable.term) return [state, [voteReply(state, request, false)]];
  const entered = request.term > state.durable.term; // Then the receiver is being stopped already.
  return chain(enterTerm(state, request.term, input), (now) => openBallot(now, request, entered, input));
}

/**
 * Whose answer needs no set: a witness has none; an abstainer goes by who won, and while its mysqld is down no
 * receiver of its runs. Else a power cut of all would elect nobody: the clone waits for a leader, the leader for votes.
 * After a failure `down` means no more than "not known to run" (I8).
 */
function votesUnseen(state: State): boolean {
  return isWitness(state) || (state.durable.abstain && state.mysqld === "down" && state.failures === 0);
}

function openBallot(state: State, request: Vote, stopping: boolean, input: Input): Step {
  const { vote } = state.durable;
  if (vote !== undefined || state.role.role !== "follower") {
    // I4: a repeated request of the one who has the vote gets the same answer.
    return [state, [voteReply(state, request, vote === request.from)]];
  }
  if (state.ballot !== undefined) return stay(state);
  if (votesUnseen(state)) return decide({ ...state, ballot: { request, stage: "stopping" } }, input);
  if (state.writable || state.fencing) return fence({ ...state, ballot: { request, stage: "fencing" } });
  if (state.mysqld === "running") {
    const next: State = { ...state, ballot: { request, stage: "stopping" } };
    return [next, stopping ? [] : [verb(state, { verb: "stopReceiver" })]];
  }
  // mysqld boots: nothing is received before it is ready, its set then decides. One that is down cannot answer.
  return state.mysqld === "starting"
    ? [{ ...state, ballot: { request, stage: "stopping" } }, []]
    : stay(state);
}

/** The fence holds: now the set can be read. */
export function continueBallot(state: State): Step {
  if (state.ballot?.stage !== "fencing") return stay(state);
  if (state.mysqld !== "running") return [{ ...state, ballot: undefined }, []];
  return [
    { ...state, ballot: { ...state.ballot, stage: "stopping" } },
    [verb(state, { verb: "stopReceiver" })],
  ];
}

/** `state.received` was read with the receiver stopped: vote or refuse. */
export function decide(state: State, input: Input): Step {
  const { ballot, durable } = state;
  if (ballot === undefined || ballot.stage !== "stopping") return stay(state);
  const closed: State = { ...state, ballot: undefined };
  const { request } = ballot;
  if (request.term !== durable.term || durable.vote !== undefined) return stay(closed); // Overtaken.
  if (!grants(closed, request)) {
    const next = better(closed, request) ? standSoon({ ...closed, cause: request.cause }, input) : closed;
    return [next, [voteReply(next, request, false)]];
  }
  return chain(persist(rearmElection(closed, input), { vote: request.from }), (now) => [
    now,
    [voteReply(now, request, true)], // I3, I4: on disk before the answer leaves.
  ]);
}

/** I11. An abstainer cannot compare: it lost what it once acknowledged, and goes by who won a term not below
 * the last it received in or led: at its election that winner held all that was acknowledged before. */
function grants(state: State, request: PreVote | Vote): boolean {
  const asked = { term: request.configTerm, version: request.configVersion };
  const { config, abstain, receivedTerm, ledTerm } = state.durable;
  if (config !== undefined && configNewer(config, asked)) return false;
  if (isWitness(state)) return true;
  if (abstain) return request.won >= Math.max(receivedTerm, ledTerm);
  return dominates(request.standing, standingOf(state.durable, state.received));
}

/** Whether this member should stand instead. */
function better(state: State, request: PreVote | Vote): boolean {
  return canStand(state) && dominates(standingOf(state.durable, state.received), request.standing);
}

/** Who has no mysqld, abstains or diverged does not stand (agent.md, Election 3). */
export function canStand(state: State): boolean {
  const { abstain, quarantined, cloning } = state.durable;
  const able = state.mysqld === "running" && !state.writable && !state.fencing && !state.shuttingDown;
  return able && isVoter(state) && !isWitness(state) && !abstain && !cloning && quarantined === "";
}

/** Configurations travel freely: who has the newer one tells (Schultz et al., OPODIS 2021). */
function newerConfig(
  { durable: { config } }: State,
  { configTerm, configVersion }: PreVote,
): { config?: Configuration } {
  const asked = { term: configTerm, version: configVersion };
  return config !== undefined && configNewer(config, asked) ? { config } : {};
}

const preVoteReply = (state: State, request: PreVote, granted: boolean) =>
  send(state, request.from, {
    type: "preVoteReply",
    term: state.durable.term,
    askedTerm: request.term,
    granted,
    ...newerConfig(state, request),
  });

const voteReply = (state: State, request: Vote, granted: boolean) =>
  send(state, request.from, { type: "voteReply", term: state.durable.term, granted });
