/** Terms: entering a higher one, and a leader's way down. */
import { electionDelay } from "./timing";
import { chain, deadline, follower, persist, stay, verb } from "./state";
import type { Input, MemberId, Message, State, Step, Term } from "./types";

/**
 * Any message of a higher term: fence, stop the receiver, persist, then act (agent.md, Election 5). Receivers run
 * only towards the leader of the term on disk (I8), so the receiver stops whoever the message came from.
 */
export function enterTerm(state: State, term: Term, input: Input): Step {
  if (term <= state.durable.term) return stay(state); // I3
  return chain(
    resign(state, `term ${term} was seen`, input),
    (now) => persist(now, { term, vote: undefined }),
    (now) => {
      const next: State = { ...now, role: follower(), ballot: undefined, preVotes: [] };
      const stop = next.mysqld === "running" && !next.fencing;
      return [rearmElection(next, input), stop ? [verb(next, { verb: "stopReceiver" })] : []];
    },
  );
}

/**
 * A leader ceases to lead: gate closed, mysqld fenced. It is silent from here on (one-way heartbeats would hold off
 * every election) and never leads this term again. A follower is left as it is, but a writable mysqld is fenced.
 */
export function resign(state: State, reason: string, input: Input): Step {
  if (state.role.role !== "leader") return fence(state);
  const { term } = state.durable;
  return chain(
    [state, [{ do: "closeGate" }]],
    fence,
    (now) => persist(now, { relinquished: term }),
    (now) => [
      rearmElection({ ...now, role: follower(), deadlines: withoutLeadership(now) }, input),
      [{ do: "tell", event: { what: "Fenced", term, reason } }],
    ],
  );
}

function withoutLeadership({ deadlines }: State): State["deadlines"] {
  return { ...deadlines, heartbeat: undefined, lease: undefined, transfer: undefined };
}

/** Fences a mysqld that may be writable, once; `fenced` will come. */
export function fence(state: State): Step {
  if (!state.writable || state.fencing || state.mysqld === "down") return stay(state);
  return [{ ...state, fencing: true }, [verb(state, { verb: "fence" })]];
}

/** The next candidacy is a random election timeout away. */
export function rearmElection(state: State, input: Input): State {
  return deadline(state, { election: input.now + electionDelay(state.tuning, input.chance) });
}

/** The next candidacy is near: this member holds more than who just stood. */
export function standSoon(state: State, { now, chance }: Input): State {
  return deadline(state, { election: now + 2 + Math.floor(chance * 15) });
}

/**
 * Whether pre-votes and votes are to be ignored, term and all: the leader is alive as far as this member knows, or
 * the member's own past is too short to know (a vote could overtake a lease, I7). The leader's own wish to hand
 * over (`transfer` = its term) lifts it.
 */
export function leaderIsAlive(state: State, transfer: Term, { now }: Input): boolean {
  if (transfer > 0 && transfer === state.durable.term) return false;
  const { electionMinMs } = state.tuning;
  if (now - state.startedAt < electionMinMs) return true;
  if (state.role.role === "leader") return state.role.leaseUntil > now;
  return state.role.role === "follower" && now - state.role.answeredAt < electionMinMs;
}

/** Whether the sender is known to the configuration in force: votes of strangers count for nothing (I6). */
export function fromVoter(state: State, { from }: Pick<Message, "from">): boolean {
  return state.durable.config?.voters.includes(from) ?? false;
}

/** Leader this member follows in its term. */
export function leaderOf(state: State): MemberId | undefined {
  if (state.role.role === "leader") return state.durable.memberId;
  return state.role.role === "follower" ? state.role.leader : undefined;
}
