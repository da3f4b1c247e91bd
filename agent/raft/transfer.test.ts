import { describe, expect, test } from "vitest";
import {
  K,
  NOW,
  a,
  b,
  c,
  following,
  input,
  leader,
  member,
  peer,
  sent,
  voteRequest,
  words,
} from "../../test/samples/raft";
import { step, transferRefusal } from "./index";
import type { Event } from "./index";

const transfer = (to?: string): Event => ({ type: "transfer", to, reason: "asked for" });

describe("a planned hand-over", () => {
  test("closes the gate, waits for waiters, gives the term up, then asks the target to stand", () => {
    const [quiescing, first] = step(leader(), transfer("x-2"), input);
    expect(words(first)).toEqual(["closeGate", "verb quiesce"]);
    const [after, second] = step(quiescing, { type: "quiesced", term: 7, executed: "" }, input);
    expect(words(second)).toEqual([
      "closeGate",
      "verb fence",
      "persist",
      "tell Fenced",
      `send timeoutNow ${c}`,
    ]);
    expect(after.durable.relinquished).toBe(7);
  });

  test("the target stands without timeout or pre-vote, under the leader's flag", () => {
    const target = member({ state: { role: following(b) } });
    const [standing, first] = step(
      target,
      { type: "message", message: { type: "timeoutNow", clusterId: K, from: b, term: 7, cause: "transfer" } },
      input,
    );
    expect(words(first)).toEqual(["persist", "verb stopReceiver"]);
    const [, second] = step(standing, { type: "receiverStopped", term: 8, received: `${K}:1-7` }, input);
    expect(sent(second)).toMatchObject([
      { type: "vote", transfer: 7, term: 8 },
      { type: "vote", transfer: 7, term: 8 },
    ]);
  });

  test("a TimeoutNow of another term is void", () => {
    const state = member({ state: { role: following(b) } });
    expect(
      step(
        state,
        {
          type: "message",
          message: { type: "timeoutNow", clusterId: K, from: b, term: 6, cause: "transfer" },
        },
        input,
      ),
    ).toEqual([state, []]);
  });

  test("that does not end in time is ended: leadership is given up all the same", () => {
    const [quiescing] = step(leader(), transfer(), input);
    const late = { now: quiescing.deadlines.transfer ?? 0, chance: 0.5 };
    expect(
      words(step({ ...quiescing, deadlines: { transfer: late.now } }, { type: "timer" }, late)[1]),
    ).toContain("verb fence");
  });

  test.each([
    ["x-0", "x-0 is the primary already"],
    ["x-9", "x-9 is not a healthy voter; choose x-1 or x-2"],
    ["x-2", undefined],
    [undefined, undefined],
  ])("to %s: %s", (to, refusal) => expect(transferRefusal(leader(), to, NOW)).toBe(refusal));

  test("is refused when no replica follows, and by who is not the leader", () => {
    expect(transferRefusal(leader({ peers: { [b]: peer(b, { receiving: 6 }) } }), undefined, NOW)).toMatch(
      /no replica follows/,
    );
    expect(transferRefusal(member(), undefined, NOW)).toBe("x-0 is not the leader");
    const state = leader({ peers: {} });
    expect(step(state, transfer(), input)).toEqual([state, []]);
  });
});

describe("the end of the pod", () => {
  test("a follower ends at once, cleanly", () => {
    expect(step(member({ state: { role: following(b) } }), { type: "shutdown" }, input)[1]).toEqual([
      { do: "exit", clean: true },
    ]);
  });

  test("a leader hands over, and ends when its fence holds", () => {
    const [quiescing, first] = step(leader(), { type: "shutdown" }, input);
    expect(words(first)).toEqual(["closeGate", "verb quiesce"]);
    const [fencing, second] = step(quiescing, { type: "quiesced", term: 7, executed: "" }, input);
    expect(words(second)).toContain(`send timeoutNow ${b}`);
    expect(words(second)).not.toContain("exit");
    expect(step(fencing, { type: "fenced", term: 7, killed: false }, input)[1]).toContainEqual({
      do: "exit",
      clean: true,
    });
  });

  test("a leader alone in the world ends all the same", () => {
    const [quiescing] = step(leader({ peers: {} }), { type: "shutdown" }, input);
    const [fencing] = step(quiescing, { type: "quiesced", term: 7, executed: "" }, input);
    expect(words(step(fencing, { type: "fenced", term: 7, killed: true }, input)[1])).toContain("exit");
  });

  test("who is shutting down neither stands nor starts mysqld again", () => {
    const [ending] = step(member({ state: { role: following(b) } }), { type: "shutdown" }, input);
    expect(words(step(ending, { type: "mysqldExited" }, input)[1])).toEqual([]);
    expect(words(step(ending, { type: "message", message: voteRequest({ from: a }) }, input)[1])).toEqual([]);
  });
});

describe("a leader that cannot go on", () => {
  test("whose commits wait too long hands over; its fence frees them", () => {
    const [after, actions] = step(leader(), { type: "stalled", term: 7 }, input);
    expect(words(actions)).toEqual([
      "closeGate",
      "verb fence",
      "persist",
      "tell Fenced",
      `send timeoutNow ${b}`,
    ]);
    expect(sent(actions)).toMatchObject([{ cause: "stalled" }]);
    expect(after.durable.relinquished).toBe(7);
  });
});

describe("a receiver that ends by itself", () => {
  const lost = (purged: boolean): Event => ({ type: "receiverLost", term: 7, purged });
  const follower = () => member({ state: { role: following(b) } });

  test("is pointed again after a pause", () => {
    const [waiting, actions] = step(follower(), lost(false), input);
    expect(words(actions)).toEqual([]);
    const later = { now: waiting.deadlines.retry ?? 0, chance: 0.5 };
    expect(words(step(waiting, { type: "timer" }, later)[1])).toContain("verb follow");
  });

  test("for want of what the leader has purged: the member is cloned", () => {
    expect(words(step(follower(), lost(true), input)[1])).toEqual(["persist", "verb clone"]);
  });
});
