/** Fluent samples of the core's state: three voters a, b, c of one cluster, GTID sources A, B, C. */
import { freshDurable, initialState, tuningOf } from "../../agent/raft";
import type {
  Action,
  Candidate,
  Configuration,
  Durable,
  Follower,
  Heartbeat,
  Leader,
  Message,
  State,
} from "../../agent/raft";

export const [A, B, C] = ["a", "b", "c"].map(
  (x) => `${x.repeat(8)}-${x.repeat(4)}-${x.repeat(4)}-${x.repeat(4)}-${x.repeat(12)}`,
) as [string, string, string];
/** Cluster id: source of the barriers. */
export const K = "11111111-1111-1111-1111-111111111111";
export const [a, b, c] = ["x-0.a", "x-1.b", "x-2.c"] as [string, string, string];
export const tuning = tuningOf({ heartbeatMs: 150, electionTimeoutMs: 1_000 }, true);
export const config: Configuration = { term: 7, version: 1, voters: [a, b, c], witnesses: [], k: 1 };
/** Long after the start, so that the member's own past does not hold votes back. */
export const NOW = 1_000_000;
export const input = { now: NOW, chance: 0.5 };

interface Change {
  readonly durable?: Partial<Durable>;
  readonly state?: Partial<State>;
}

/** Member a: a follower in term 7 with mysqld running, its leader unheard for long. */
export function member({ durable, state }: Change = {}): State {
  const own: Durable = {
    ...freshDurable(a),
    clusterId: K,
    term: 7,
    config,
    serverUuids: [A],
    knownUuids: [A, B, C],
    ...durable,
  };
  return { ...initialState(own, tuning), mysqld: "running", serverUuid: A, received: `${K}:1-7`, ...state };
}

export const following = (leader: string, more: Partial<Follower> = {}): Follower => ({
  role: "follower",
  leader,
  answeredAt: NOW - 50,
  follow: "done",
  acknowledge: true,
  heard: heartbeat({ from: leader }),
  ...more,
});

export function leading(more: Partial<Leader> = {}): Leader {
  return {
    role: "leader",
    phase: "open",
    electedSet: `${K}:1-6`,
    electedAt: NOW - 10_000,
    electionStartedAt: NOW - 10_100,
    cause: "leader-silent",
    round: 10,
    rounds: [{ round: 10, sentAt: NOW - 10 }],
    leaseUntil: NOW + 400,
    reason: "test",
    acks: 1,
    markers: 0,
    excluding: [],
    shut: [],
    excluded: [],
    admitting: [],
    failures: 0,
    givenUp: 0,
    peers: { [b]: peer(b), [c]: peer(c) },
    ...more,
  };
}

export const peer = (id: string, more: Partial<Leader["peers"][string]> = {}): Leader["peers"][string] => ({
  id,
  round: 9,
  answeredAt: NOW - 100,
  receiving: 7,
  received: `${K}:1-7`,
  abstain: false,
  configTerm: 7,
  configVersion: 1,
  acknowledging: true,
  followedAt: NOW - 100,
  health: { serving: true, lagMs: 0, address: "" },
  ...more,
});

/** The leader of term 7, open. */
export const leader = (role: Partial<Leader> = {}, change: Change = {}): State =>
  member({
    durable: { ledTerm: 7, tail: true, openedTerm: 7, vote: a, ...change.durable },
    state: { role: leading(role), writable: true, ...change.state },
  });

export const candidate = (more: Partial<Candidate> = {}): Candidate => ({
  role: "candidate",
  term: 7,
  votes: [a],
  transfer: 0,
  cause: "leader-silent",
  since: NOW - 5,
  standing: { lastTerm: 6, received: `${K}:1-6` },
  ...more,
});

export const heartbeat = (more: Partial<Heartbeat> = {}): Heartbeat => ({
  type: "heartbeat",
  clusterId: K,
  from: b,
  term: 7,
  round: 1,
  config: { ...config, term: 7 },
  receivable: true,
  open: true,
  electedSet: `${K}:1-6`,
  serverUuid: B,
  knownUuids: [A, B, C],
  donor: b,
  ...more,
});

export const voteRequest = (
  more: Partial<Extract<Message, { type: "vote" }>> = {},
): Extract<Message, { type: "vote" }> => ({
  type: "vote",
  clusterId: K,
  from: b,
  term: 8,
  standing: { lastTerm: 7, received: `${K}:1-7` },
  configTerm: 7,
  configVersion: 1,
  won: 6,
  transfer: 0,
  cause: "leader-silent",
  ...more,
});

/** What the actions do, in a word each: "persist term=8 vote=x", "send voteReply x-1.b", "verb fence". */
export function words(actions: readonly Action[]): string[] {
  return actions.map((action) => {
    switch (action.do) {
      case "persist":
        return "persist";
      case "send":
      case "sendByName":
        return `send ${action.message.type} ${action.to}`;
      case "verb":
        return `verb ${action.verb.verb}`;
      case "tell":
        return `tell ${action.event.what}`;
      case "watchdog":
        return `watchdog ${action.armed ? "on" : "off"}`;
      default:
        return action.do;
    }
  });
}

export const persisted = (actions: readonly Action[]): Durable[] =>
  actions.flatMap((action) => (action.do === "persist" ? [action.durable] : []));

export const sent = (actions: readonly Action[]): Message[] =>
  actions.flatMap((action) => (action.do === "send" || action.do === "sendByName" ? [action.message] : []));
