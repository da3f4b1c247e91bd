import { describe, expect, test } from "vitest";
import {
  A,
  B,
  C,
  config,
  K,
  NOW,
  a,
  b,
  c,
  following,
  heartbeat,
  input,
  leader,
  member,
  persisted,
  sent,
  tuning,
  voteRequest,
  words,
} from "../../test/samples/raft";
import { freshDurable, initialState, step } from "./index";
import { tend } from "./recovery";
import type { Event, Heartbeat, State } from "./index";

const hear = (state: State, more: Partial<Heartbeat> = {}) =>
  step(state, { type: "message", message: heartbeat(more) }, input);
const started = (more: Partial<Extract<Event, { type: "started" }>> = {}): Event => ({
  type: "started",
  mysqld: "down",
  writable: false,
  unsafeData: false,
  ...more,
});
const exLeader = (more: Partial<State["durable"]> = {}) =>
  member({ durable: { ledTerm: 6, tail: true, ...more }, state: { mysqld: "down" } });

describe("at the start of an agent", () => {
  test("a member without a tail starts mysqld at once", () => {
    expect(words(step(member({ state: { mysqld: "down" } }), started(), input)[1])).toEqual([
      "verb startMysqld",
    ]);
  });

  test("an ex-leader first listens for an elected leader, an election timeout long", () => {
    const [after, actions] = step(exLeader(), started(), input);
    expect(words(actions)).toEqual([]);
    // The others may be starting too.
    expect(after.deadlines.recover).toBe(NOW + tuning.electionMaxMs + 5_000);
  });

  test("nobody was heard: it starts uncut, its vote may be the missing one", () => {
    const [waiting] = step(exLeader(), started(), input);
    const later = { now: NOW + tuning.electionMaxMs + 5_000, chance: 0.5 };
    const [after, actions] = step(waiting, { type: "timer" }, later);
    // Recovery commits the tail: that is on disk first.
    expect(words(actions)).toEqual(["persist", "verb startMysqld"]);
    expect(after.durable).toMatchObject({ tail: true, uncut: true });
  });

  test("whoever stands meanwhile cuts the wait short: a leader comes soon, or never without this vote", () => {
    const waiting = { ...exLeader(), startedAt: NOW - 2_000, deadlines: { recover: NOW + 4_000 } };
    const request: Event = { type: "message", message: { ...voteRequest(), type: "preVote" } };
    expect(step(waiting, request, input)[0].deadlines.recover).toBe(NOW + tuning.electionMinMs);
  });

  test("a writable mysqld is fenced, never led on; a read-only one is attached to", () => {
    expect(words(step(member(), started({ mysqld: "running", writable: true }), input)[1])).toEqual([
      "verb fence",
    ]);
    expect(words(step(member(), started({ mysqld: "running" }), input)[1])).toEqual(["verb startMysqld"]);
  });

  test("data that a power cut may have taken: abstain and be cloned", () => {
    const [after, actions] = step(
      member({ state: { mysqld: "down" } }),
      started({ unsafeData: true }),
      input,
    );
    expect(after.durable).toMatchObject({ abstain: true, cloning: true });
    expect(words(actions)).toEqual(["persist"]);
    expect(words(hear(after)[1])).toContain("verb clone");
  });
});

describe("the ex-primary", () => {
  test("cuts what the elected leader's set lacks, before mysqld is started", () => {
    const [after, actions] = hear(exLeader());
    expect(words(actions)).toEqual([`send heartbeatReply ${b}`, "verb rewind"]);
    expect(after.mysqld).toBe("rewinding");
  });

  test("a higher term or a candidate proves nothing", () => {
    const [after, actions] = step(
      exLeader(),
      {
        type: "message",
        message: {
          type: "preVote",
          clusterId: K,
          from: b,
          term: 9,
          standing: { lastTerm: 7, received: "" },
          configTerm: 7,
          configVersion: 1,
          won: 6,
          transfer: 0,
          cause: "leader-silent",
        },
      },
      input,
    );
    expect(words(actions)).not.toContain("verb rewind");
    expect(after.mysqld).toBe("down");
  });

  test("rewound: it tells which GTIDs it discarded, then follows", () => {
    const [rewinding] = hear(exLeader());
    const [ready] = step(rewinding, { type: "mysqldReady", received: `${K}:1-6`, serverUuid: B }, input);
    expect(ready.mysqld).toBe("rewinding");
    const [after, actions] = step(ready, { type: "rewound", term: 7, result: "ok", errant: `${A}:5` }, input);
    expect(words(actions)).toEqual(["persist", "tell Rewound", "persist", "verb follow"]);
    expect(after.durable).toMatchObject({ tail: false, receivedTerm: 7, serverUuids: [A, B] });
  });

  test("where the cut is impossible it is cloned: it abstains on disk before its data goes", () => {
    const [rewinding] = hear(exLeader());
    const [after, actions] = step(
      rewinding,
      { type: "rewound", term: 7, result: "impossible", errant: `${A}:5` },
      input,
    );
    expect(words(actions)).toEqual(["persist", "verb clone"]);
    expect(after.durable).toMatchObject({ abstain: true, cloning: true });
  });

  test("I9: what the engine had committed before the crash is quarantined, never cloned over", () => {
    const [rewinding] = hear(exLeader());
    const [after, actions] = step(
      rewinding,
      { type: "rewound", term: 7, result: "committed", errant: `${A}:5` },
      input,
    );
    expect(words(actions)).toEqual(["persist", "tell Diverged"]);
    expect(after.durable.quarantined).toBe(`${A}:5`);
    expect(words(hear(after)[1])).not.toContain("verb follow");
  });
});

describe("an ex-primary that was started uncut and died again before it followed", () => {
  const rewound: Event = { type: "rewound", term: 7, result: "committed", errant: `${A}:5` };

  test("the committed tail is no alarm: it is cloned, and says what it discards", () => {
    const [rewinding] = hear(exLeader({ uncut: true }));
    const [after, actions] = step(rewinding, rewound, input);
    expect(words(actions)).toEqual(["tell TransactionsDiscarded", "persist", "verb clone"]);
    expect(after.durable.quarantined).toBe("");
  });

  test("what it had received from another leader and applied is no alarm either", () => {
    const [rewinding] = hear(exLeader({ knownUuids: [A, B] }));
    const [after] = step(rewinding, { ...rewound, errant: `${B}:9` }, input);
    expect(after.durable).toMatchObject({ quarantined: "", cloning: true });
  });
});

describe("a follower", () => {
  const fresh = () => member();

  test("re-points when the leader is receivable; the term is on disk before a byte of it", () => {
    expect(words(hear(fresh(), { receivable: false })[1])).toEqual([`send heartbeatReply ${b}`]);
    expect(words(hear(fresh())[1])).toEqual([`send heartbeatReply ${b}`, "persist", "verb follow"]);
  });

  test("tells the leader at once that it receives: the barrier waits for it", () => {
    const [asked] = hear(fresh());
    const [after, actions] = step(asked, { type: "followed", term: 7 }, input);
    expect(sent(actions)).toMatchObject([{ type: "heartbeatReply", receiving: 7 }]);
    expect(words(hear(after)[1])).toEqual([`send heartbeatReply ${b}`]);
  });

  test("I8: a heartbeat of an older term is answered with the own one, nothing else", () => {
    const [after, actions] = hear(member({ durable: { term: 9 } }));
    expect(sent(actions)).toMatchObject([{ type: "heartbeatReply", term: 9 }]);
    expect(after.role.role === "follower" && after.role.leader).toBe(undefined);
  });

  test("I8: of a newer term: the receiver stops before it follows anew", () => {
    const state = member({ state: { role: following(c) } });
    expect(words(hear(state, { term: 8, config: { ...config, term: 8 } })[1])).toEqual([
      "persist",
      "verb stopReceiver",
      "persist",
      `send heartbeatReply ${b}`,
      "persist",
      "verb follow",
    ]);
  });

  test("diverged by what a crash explains is cloned; by a foreign write it is quarantined", () => {
    const [asked] = hear(fresh());
    expect(words(step(asked, { type: "diverged", term: 7, errant: `${C}:9` }, input)[1])).toEqual([
      "tell TransactionsDiscarded",
      "persist",
      "verb clone",
    ]);
    expect(words(step(asked, { type: "diverged", term: 7, errant: `${A}:9` }, input)[1])).toEqual([
      "persist",
      "tell Diverged",
    ]);
    const unknown = "99999999-9999-9999-9999-999999999999:1";
    expect(words(step(asked, { type: "diverged", term: 7, errant: unknown }, input)[1])).toEqual([
      "persist",
      "tell Diverged",
    ]);
  });

  test("a dead mysqld is started again at once, a failing one with growing pauses", () => {
    const [down, actions] = step(member({ state: { role: following(b) } }), { type: "mysqldExited" }, input);
    expect(words(actions)).toEqual(["verb startMysqld"]);
    const [waiting] = step(down, { type: "failed", term: 7, verb: "startMysqld", reason: "x" }, input);
    expect(waiting.deadlines.retry).toBe(NOW + 400);
    expect(tend(waiting, input)[1]).toEqual([]);
    expect(words(step(waiting, { type: "timer" }, { now: NOW + 400, chance: 0 })[1])).toEqual([
      "verb startMysqld",
    ]);
  });
});

describe("after a clone", () => {
  const abstainer = () =>
    member({ durable: { abstain: true, receivedTerm: 7 }, state: { role: following(b) } });
  const observed = (received: string): Event => ({
    type: "observed",
    received,
    health: { serving: true, lagMs: 0, address: "" },
  });

  test("it abstains until it holds a marker that it asked for afterwards", () => {
    const [asking, first] = step(abstainer(), observed(""), input);
    expect(words(first)).toEqual([`send markerRequest ${b}`]);
    const [waiting, second] = step(
      asking,
      { type: "message", message: { type: "markerReply", clusterId: K, from: b, term: 7, marker: `${B}:5` } },
      input,
    );
    expect(persisted(second)).toEqual([]);
    expect(step(waiting, observed(`${B}:1-4`), input)[0].durable.abstain).toBe(true);
    expect(step(waiting, observed(`${B}:1-5`), input)[0].durable.abstain).toBe(false);
  });

  test("a marker that nobody asked for counts for nothing", () => {
    const [after] = step(
      abstainer(),
      { type: "message", message: { type: "markerReply", clusterId: K, from: b, term: 7, marker: "" } },
      input,
    );
    expect(after.durable.abstain).toBe(true);
  });

  test("the leader writes the marker when it is open", () => {
    const request: Event = {
      type: "message",
      message: { type: "markerRequest", clusterId: K, from: b, term: 7 },
    };
    expect(words(step(leader(), request, input)[1])).toEqual(["verb mark", `send markerReply ${b}`]);
    expect(words(step(leader({ phase: "draining" }), request, input)[1])).toEqual([]);
  });

  test("a follow that ends while a clone runs says nothing about the server that comes out of it", () => {
    const [asked] = hear(member());
    const [cloning] = step(asked, { type: "rebuild" }, input);
    expect(cloning.mysqld).toBe("cloning");
    const [overtaken, actions] = step(cloning, { type: "followed", term: 7 }, input);
    expect(words(actions)).not.toContain("tell MemberJoined");
    expect(words(step(overtaken, { type: "cloned", term: 7 }, input)[1])).toContain("verb follow");
  });

  test("a rebuild waits for no rewind to overlap it", () => {
    const [rewinding] = hear(exLeader());
    expect(step(rewinding, { type: "rebuild" }, input)).toEqual([rewinding, []]);
  });

  test("an interrupted clone is begun again when a leader is heard", () => {
    const state = member({ durable: { cloning: true, abstain: true }, state: { mysqld: "down" } });
    expect(words(step(state, started(), input)[1])).toEqual([]);
    expect(words(hear(state)[1])).toContain("verb clone");
  });
});

describe("the birth of a cluster", () => {
  const newborn = (id: string): State => ({
    ...initialState(freshDurable(id), tuning),
    mysqld: "running",
    startedAt: NOW - 5_000,
  });
  const wanted = ["x-0", "x-1", "x-2"].map((name) => ({ name, role: "voter" as const }));
  const intent: Extract<Event, { type: "intent" }> = {
    type: "intent",
    clusterId: K,
    former: [],
    members: wanted,
    initialised: false,
    tuning,
  };
  const hello = (from: string, empty = true): Event => ({
    type: "message",
    message: { type: "hello", clusterId: K, from, empty, dataless: false },
  });
  const told = (state: State, ...events: Event[]) =>
    events.reduce(
      ([now, all], event) => {
        const [next, actions] = step(now, event, input);
        return [next, [...all, ...actions]] as const;
      },
      [state, []] as readonly [State, readonly ReturnType<typeof step>[1][number][]],
    );

  test("the first named member founds it once all are present and empty", () => {
    const [some] = told(newborn(a), intent, hello(b));
    expect(some.durable.config).toBeUndefined();
    const [all, actions] = told(some, hello(c));
    expect(all.durable).toMatchObject({
      clusterId: K,
      config: { voters: [a, b, c], k: 1, term: 1, version: 1 },
    });
    expect(words(actions)).toEqual(["persist", `send bootstrap ${b}`, `send bootstrap ${c}`]);
  });

  test("never with a member that holds data, nor again once it was, nor by another member", () => {
    expect(told(newborn(a), intent, hello(b), hello(c, false))[0].durable.config).toBeUndefined();
    expect(
      told(newborn(a), { ...intent, initialised: true }, hello(b), hello(c))[0].durable.config,
    ).toBeUndefined();
    expect(told(newborn(b), intent, hello(a), hello(c))[0].durable.config).toBeUndefined();
  });

  test("a voter that missed the bootstrap hears it in answer to its hello", () => {
    const [founder] = told(newborn(a), intent, hello(b), hello(c));
    const [, actions] = step(founder, hello(b), input);
    const [joined] = told(newborn(b), intent, { type: "message", message: sent(actions)[0] as never });
    expect(joined.durable.config?.voters).toEqual([a, b, c]);
  });

  test("an emptied volume is a new member: a learner of the leader it says hello to", () => {
    const [state] = step(leader(), hello("x-1.new"), input);
    expect(state.observers).toEqual([{ id: "x-1.new", dataless: false }]);
    const [learner, actions] = hear({
      ...newborn("x-1.new"),
      intent: { clusterId: K, members: wanted, initialised: true },
    });
    expect(learner.durable.clusterId).toBe(K);
    expect(sent(actions)).toMatchObject([{ type: "heartbeatReply", abstain: false, receiving: 0 }]);
  });

  test("messages of another cluster are void", () => {
    const state = member();
    expect(hear(state, { clusterId: A })).toEqual([state, []]);
  });
});

test("a re-point is no news; the first since mysqld started is", () => {
  const asked = member({ state: { role: following(b, { follow: "asked" }) } });
  const followed: Event = { type: "followed", term: 7 };
  expect(words(step(asked, followed, input)[1])).toContain("tell MemberJoined");
  expect(words(step({ ...asked, joined: true }, followed, input)[1])).not.toContain("tell MemberJoined");
});
