import { describe, expect, test } from "vitest";
import {
  A,
  K,
  NOW,
  a,
  b,
  c,
  candidate,
  heartbeat,
  input,
  leader,
  leading,
  member,
  peer,
  persisted,
  sent,
  tuning,
  words,
} from "../../test/samples/raft";
import { nextDeadline, step } from "./index";
import type { Event, HeartbeatReply, Leader, State } from "./index";

const reply = (from: string, more: Partial<HeartbeatReply> = {}): Event => ({
  type: "message",
  message: {
    type: "heartbeatReply",
    clusterId: K,
    from,
    term: 7,
    round: 10,
    receiving: 7,
    abstain: false,
    received: `${K}:1-7`,
    serverUuids: [],
    configTerm: 7,
    configVersion: 1,
    acknowledging: true,
    dataless: false,
    health: { serving: true, lagMs: 0, address: "" },
    ...more,
  },
});
const role = (state: State): Leader => state.role as Leader;

describe("victory", () => {
  test("a majority of votes: heartbeat at once, drain, the tail begins", () => {
    const state = member({ durable: { vote: a }, state: { role: candidate() } });
    const [after, actions] = step(
      state,
      { type: "message", message: { type: "voteReply", clusterId: K, from: b, term: 7, granted: true } },
      input,
    );
    expect(words(actions)).toEqual(["persist", `send heartbeat ${b}`, `send heartbeat ${c}`, "verb drain"]);
    expect(after.durable).toMatchObject({ ledTerm: 7, tail: true, config: { term: 7 } });
    expect(sent(actions)[0]).toMatchObject({ receivable: false, open: false });
    expect(nextDeadline(after)).toBe(NOW + tuning.heartbeatMs);
  });
});

describe("promotion, in this order", () => {
  const at = (phase: Leader["phase"], more: Partial<Leader> = {}): State =>
    leader(
      { phase, ...more },
      { state: { role: leading({ phase, ...more }), writable: phase !== "draining" } },
    );

  test("semi-sync is armed only after the drain, and from then on mysqld counts as writable", () => {
    const [after, actions] = step(at("draining"), { type: "drained", term: 7 }, input);
    expect(words(actions)).toEqual(["verb arm", "publish"]);
    expect(after.writable).toBe(true);
  });

  test("armed: followers may re-point; the barrier waits for k of them", () => {
    const [gathering, actions] = step(at("arming", { peers: {} }), { type: "armed", term: 7 }, input);
    expect(sent(actions)[0]).toMatchObject({ receivable: true, open: false });
    expect(words(step(gathering, reply(b, { receiving: 6 }), input)[1])).not.toContain("verb barrier");
    expect(words(step(gathering, reply(b), input)[1])).toContain("verb barrier");
  });

  test("I5, I7: opens with the barrier acknowledged, the term noted, the watchdog in force, the lease held", () => {
    const [, actions] = step(at("barrier"), { type: "barrierAcked", term: 7 }, input);
    expect(words(actions)).toEqual(["watchdog on", "lease", "verb open"]);
    const fresh = leader({ phase: "barrier" }, { durable: { openedTerm: 6 } });
    const [noted, more] = step(fresh, { type: "barrierAcked", term: 7 }, input);
    expect(words(more)).toEqual(["persist", "watchdog on", "lease", "verb open"]);
    expect(noted.durable.openedTerm).toBe(7);
  });

  test("without the lease it waits for a majority's answer", () => {
    const [waiting, actions] = step(
      at("barrier", { leaseUntil: NOW - 1 }),
      { type: "barrierAcked", term: 7 },
      input,
    );
    expect(words(actions)).not.toContain("verb open");
    expect(words(step(waiting, reply(b), input)[1])).toContain("verb open");
  });

  test("open: publish, tell, and let followers know", () => {
    const [after, actions] = step(at("opening"), { type: "opened", term: 7 }, input);
    expect(words(actions)).toEqual([
      "publish",
      "tell FailedOver",
      `send heartbeat ${b}`,
      `send heartbeat ${c}`,
    ]);
    expect(role(after).phase).toBe("open");
  });

  test.each(["drained", "armed", "barrierAcked", "opened"] as const)(
    "the end of an older term's verb (%s) is ignored",
    (type) => {
      const state = at("draining");
      expect(step(state, { type, term: 6 }, input)).toEqual([state, []]);
    },
  );

  test("a failed step hands over; nobody gets in by a half-done promotion", () => {
    const [after, actions] = step(
      at("barrier"),
      { type: "failed", term: 7, verb: "barrier", reason: "x" },
      input,
    );
    expect(after.role.role).toBe("follower");
    expect(after.durable.relinquished).toBe(7);
    expect(words(actions)).toContain("verb fence");
    expect(words(actions).at(-1)).toMatch(/timeoutNow/);
  });
});

describe("I7: the lease", () => {
  test("counts from the sending of the round that a majority answered", () => {
    const [after] = step(leader({ leaseUntil: 0, peers: {} }), reply(b), input);
    expect(role(after).leaseUntil).toBe(NOW - 10 + tuning.leaseMs);
  });

  test("an answer to an older round does not extend it, a stranger's neither", () => {
    const before = leader();
    expect(role(step(before, reply(b, { round: 3 }), input)[0]).leaseUntil).toBe(role(before).leaseUntil);
    expect(role(step(before, reply("x-9.z"), input)[0]).leaseUntil).toBe(role(before).leaseUntil);
  });

  test("is shorter, with the fence, than the shortest election timeout", () => {
    expect(tuning.leaseMs + 100).toBeLessThan(tuning.electionMinMs);
  });

  test("once lost: silent, fenced, never to lead this term again, the fittest is asked to stand", () => {
    const state = leader(
      { leaseUntil: NOW - 1 },
      { state: { deadlines: { lease: NOW - 1, heartbeat: NOW - 1 } } },
    );
    const [after, actions] = step(state, { type: "timer" }, input);
    expect(words(actions)).toEqual([
      "closeGate",
      "verb fence",
      "persist",
      "tell Fenced",
      `send timeoutNow ${b}`,
    ]);
    expect(after).toMatchObject({ role: { role: "follower" }, durable: { relinquished: 7 }, fencing: true });
    expect(after.deadlines.heartbeat).toBeUndefined();
  });
});

describe("the end of leadership", () => {
  test("I3: an answer of a higher term: fence, persist, follow", () => {
    const [after, actions] = step(leader(), reply(b, { term: 9 }), input);
    expect(after.durable.term).toBe(9);
    expect(words(actions)).toEqual(["closeGate", "verb fence", "persist", "tell Fenced", "persist"]);
  });

  test("the death of mysqld: the term is given up on disk, then the fullest follower is asked to stand at once", () => {
    const peers = { [b]: peer(b), [c]: peer(c, { received: `${K}:1-7,${A}:1-5` }) };
    const [after, actions] = step(leader({ peers }), { type: "mysqldExited" }, input);
    expect(words(actions)).toEqual([
      "watchdog off",
      "closeGate",
      "persist",
      "tell Fenced",
      `send timeoutNow ${c}`,
    ]);
    expect(persisted(actions)[0]?.relinquished).toBe(7);
    expect(after).toMatchObject({ mysqld: "down", writable: false });
    expect(after.deadlines.recover).toBe(NOW + tuning.electionMaxMs);
  });

  test("a successor must follow, answer and not abstain", () => {
    const peers = { [b]: peer(b, { abstain: true }), [c]: peer(c, { answeredAt: NOW - 5_000 }) };
    expect(words(step(leader({ peers }), { type: "mysqldExited" }, input)[1])).not.toContain(
      `send timeoutNow ${c}`,
    );
  });

  test("a leader's heartbeat names itself as donor only when no follower is fit", () => {
    const timer = (state: State) =>
      sent(step({ ...state, deadlines: { heartbeat: NOW } }, { type: "timer" }, input)[1])[0];
    expect(timer(leader())).toMatchObject({ type: "heartbeat", donor: b });
    expect(timer(leader({ peers: {} }))).toMatchObject({ donor: a });
    expect(heartbeat().type).toBe("heartbeat");
  });
});
