import { describe, expect, test } from "vitest";
import { emptyHistory } from "../history";
import { freshDurable, initialState, tuningOf } from "../raft";
import { leading, peer as samplePeer, voteRequest } from "../../test/samples/raft";
import type { Durable, Follower, Leader, Peer, State } from "../raft/types";
import { isReady, memberRole, servesPrimary, servesReplica } from "./serving";
import { memberStatus } from "./status";
import { phaseSentence } from "./phase";

const tuning = tuningOf({ heartbeatMs: 150, electionTimeoutMs: 1000 }, true);
const voters = ["shop-0.a", "shop-1.b", "shop-2.c"];
const config = { term: 3, version: 1, voters, witnesses: [], k: 1 };
const intent = {
  clusterId: "x",
  members: ["shop-0", "shop-1", "shop-2"].map((name) => ({ name, role: "voter" as const })),
  initialised: false,
};

/** A voter of a cluster of three in term 3 whose mysqld runs. */
function voter(change: Partial<State> & { readonly on?: Partial<Durable> } = {}): State {
  const { on, ...rest } = change;
  const durable: Durable = { ...freshDurable("shop-0.a"), clusterId: "x", term: 3, config, ...on };
  return {
    ...initialState(durable, tuning),
    mysqld: "running",
    health: { serving: true, lagMs: 0, address: "10.0.0.1" },
    ...rest,
  };
}
const follower = (change: Partial<Follower> = {}): Follower => ({
  role: "follower",
  leader: "shop-1.b",
  answeredAt: 900,
  follow: "done",
  ...change,
});
const leader = (phase: Leader["phase"], change: Partial<Leader> = {}): Leader =>
  leading({ phase, leaseUntil: 1500, peers: {}, ...change });
const vote = voteRequest({ from: "shop-2.c", term: 4 });

const phases: { name: string; state: State; lagMs?: number; says: string }[] = [
  {
    name: "no intent",
    state: voter({ on: { config: undefined } }),
    says: "waits for the controller's first intent",
  },
  {
    name: "bootstrap",
    state: voter({
      on: { config: undefined },
      intent,
      hellos: { "shop-1": { id: "shop-1.b", empty: true, dataless: false, at: 0 } },
    }),
    says: "waits for shop-2 to form the new cluster",
  },
  {
    name: "bootstrap, mysqld not up",
    state: voter({ on: { config: undefined }, intent, mysqld: "starting" }),
    says: "initialises its data directory and starts mysqld",
  },
  {
    name: "new member",
    state: voter({ on: { config: undefined }, intent: { ...intent, initialised: true } }),
    says: "waits for the leader to take it into the cluster",
  },
  { name: "follows", state: voter({ role: follower() }), says: "replicates from shop-1" },
  {
    name: "lags",
    state: voter({ role: follower() }),
    lagMs: 12_340,
    says: "replicates from shop-1, 12.3 s behind",
  },
  {
    name: "turning",
    state: voter({ role: follower({ follow: "asked" }) }),
    says: "turns its replication towards shop-1",
  },
  {
    name: "hears",
    state: voter({ role: follower({ follow: "no" }) }),
    says: "hears shop-1; waits to replicate from it",
  },
  {
    name: "leaderless",
    state: voter({ role: follower({ leader: undefined }) }),
    says: "hears no leader yet",
  },
  {
    name: "abstains",
    state: voter({ role: follower(), on: { abstain: true } }),
    says: "replicates from shop-1; abstains from elections until it has caught up",
  },
  {
    name: "votes",
    state: voter({ role: follower(), ballot: { request: vote, stage: "stopping" } }),
    says: "votes on shop-2 in term 4",
  },
  {
    name: "witness",
    state: voter({
      role: follower(),
      mysqld: "down",
      on: { config: { ...config, witnesses: ["shop-0.a"] } },
    }),
    says: "witness; hears shop-1, primary of term 3",
  },
  {
    name: "pre-candidate",
    state: voter({
      role: {
        role: "preCandidate",
        term: 4,
        votes: ["shop-0.a"],
        transfer: 0,
        cause: "leader-silent",
        since: 0,
      },
    }),
    says: "hears no leader; asks who would elect it in term 4 (1 of 2 votes)",
  },
  {
    name: "candidate",
    state: voter({
      role: {
        role: "candidate",
        term: 4,
        votes: ["shop-0.a"],
        transfer: 0,
        cause: "leader-silent",
        since: 0,
      },
    }),
    says: "stands for election in term 4 (1 of 2 votes)",
  },
  {
    name: "draining",
    state: voter({ role: leader("draining") }),
    says: "elected in term 3; applies what it had received",
  },
  {
    name: "arming",
    state: voter({ role: leader("arming") }),
    says: "elected in term 3; sets up semi-synchronous replication",
  },
  {
    name: "gathering",
    state: voter({ role: leader("gathering") }),
    says: "elected in term 3; waits for 1 replica to replicate from it",
  },
  {
    name: "barrier",
    state: voter({ role: leader("barrier"), on: { config: { ...config, k: 2 } } }),
    says: "elected in term 3; waits for 2 replicas to acknowledge its first transaction",
  },
  {
    name: "leasing",
    state: voter({ role: leader("leasing") }),
    says: "elected in term 3; waits for a majority to confirm its lease",
  },
  { name: "opening", state: voter({ role: leader("opening") }), says: "elected in term 3; opens for writes" },
  { name: "open", state: voter({ role: leader("open") }), says: "primary of term 3, open for writes" },
  {
    name: "quiescing",
    state: voter({ role: leader("quiescing", { transferTo: "shop-2" }), shuttingDown: true }),
    says: "hands over term 3 to shop-2; lets waiting commits end",
  },
  { name: "stops", state: voter({ role: follower(), shuttingDown: true }), says: "stops mysqld and ends" },
  {
    name: "diverged",
    state: voter({ role: follower(), on: { quarantined: "u:1-3" } }),
    says: "diverged: holds u:1-3, which no leader has; serves nothing until it is rebuilt",
  },
  { name: "clones", state: voter({ mysqld: "cloning" }), says: "takes a clone of another member's data" },
  {
    name: "rewinds",
    state: voter({ mysqld: "rewinding" }),
    says: "cuts off the transactions that the new primary lacks, then starts mysqld",
  },
  { name: "starts", state: voter({ mysqld: "starting" }), says: "starts mysqld" },
  { name: "down", state: voter({ mysqld: "down" }), says: "mysqld is down; about to start it" },
  {
    name: "ex-primary",
    state: voter({ mysqld: "down", deadlines: { recover: 2000 } }),
    says: "was primary when mysqld stopped; waits for a newer leader before it starts mysqld",
  },
];

test.each(phases)("phase: $name", ({ state, lagMs, says }) => {
  expect(phaseSentence(state, { lagMs })).toBe(says);
});

describe("who serves", () => {
  const cases: {
    name: string;
    state: State;
    gateOpen?: boolean;
    now?: number;
    primary: boolean;
    replica: boolean;
    role: string;
  }[] = [
    {
      name: "open leader",
      state: voter({ role: leader("open") }),
      primary: true,
      replica: false,
      role: "primary",
    },
    {
      name: "I7: lease over",
      state: voter({ role: leader("open") }),
      now: 1500,
      primary: false,
      replica: false,
      role: "primary",
    },
    {
      name: "I7: gate shut",
      state: voter({ role: leader("open") }),
      gateOpen: false,
      primary: false,
      replica: false,
      role: "primary",
    },
    {
      name: "leader not open",
      state: voter({ role: leader("opening") }),
      primary: false,
      replica: false,
      role: "replica",
    },
    {
      name: "handing over",
      state: voter({ role: leader("quiescing") }),
      primary: false,
      replica: false,
      role: "replica",
    },
    { name: "follower", state: voter({ role: follower() }), primary: false, replica: true, role: "replica" },
    {
      name: "turning",
      state: voter({ role: follower({ follow: "asked" }) }),
      primary: false,
      replica: false,
      role: "replica",
    },
    {
      name: "mysqld offline",
      state: voter({ role: follower(), health: { serving: false, lagMs: 0, address: "" } }),
      primary: false,
      replica: false,
      role: "replica",
    },
    {
      name: "I9: diverged",
      state: voter({ role: follower(), on: { quarantined: "u:1" } }),
      primary: false,
      replica: false,
      role: "unknown",
    },
    {
      name: "learner",
      state: voter({ role: follower(), on: { config: { ...config, voters: ["shop-1.b"] } } }),
      primary: false,
      replica: true,
      role: "learner",
    },
    {
      name: "no configuration",
      state: voter({ on: { config: undefined } }),
      primary: false,
      replica: false,
      role: "unknown",
    },
  ];
  test.each(cases)("$name", ({ state, gateOpen = true, now = 1000, primary, replica, role }) => {
    const moment = { state, now, gateOpen };
    expect([servesPrimary(moment), servesReplica(moment), isReady(moment), memberRole(state)]).toEqual([
      primary,
      replica,
      primary || replica,
      role,
    ]);
  });
});

test("the leader counts the voters it hears from; a follower does not guess", () => {
  const peer = (id: string, answeredAt: number): Peer => samplePeer(id, { answeredAt, receiving: 3 });
  const peers = { "shop-1.b": peer("shop-1.b", 900), "shop-2.c": peer("shop-2.c", 300) };
  const input = {
    now: 1000,
    wall: 1_800_000_000_000,
    gateOpen: true,
    instance: "shop-0",
    agentVersion: "1",
    snapshot: {},
    history: emptyHistory,
    pid: 1,
    rssBytes: 2,
  };
  const status = memberStatus({ ...input, state: voter({ role: leader("open", { peers }) }) });
  expect(status).toMatchObject({
    name: "shop-0",
    memberId: "shop-0.a",
    role: "primary",
    ready: true,
    term: 3,
    leader: "shop-0.a",
    generation: 0,
    quorum: { voters: 3, needed: 2, alive: 2 },
    configuration: { term: 3, version: 1, voters, witnesses: [], k: 1 },
  });
  expect(memberStatus({ ...input, state: voter({ role: follower() }) })).toMatchObject({
    leader: "shop-1.b",
    quorum: undefined,
  });
});
