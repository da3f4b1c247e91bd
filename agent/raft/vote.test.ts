import { describe, expect, test } from "vitest";
import {
  A,
  B,
  K,
  NOW,
  a,
  b,
  c,
  candidate,
  following,
  input,
  leader,
  member,
  persisted,
  sent,
  voteRequest,
  words,
} from "../../test/samples/raft";
import { step } from "./index";
import type { Event, PreVoteReply, State } from "./index";

const message = (m: Extract<Event, { type: "message" }>["message"]): Event => ({
  type: "message",
  message: m,
});
const stopped = (received: string, term = 8): Event => ({ type: "receiverStopped", term, received });
/** The ballot's two steps: the request, then the end of stopReceiver. */
function ballot(state: State, request = voteRequest(), received = `${K}:1-7`) {
  const [waiting, first] = step(state, message(request), input);
  const [after, second] = step(waiting, stopped(received, request.term), input);
  return { first, second, after };
}

describe("a vote", () => {
  test("I4, I8: the receiver stops first, the vote is on disk before the answer leaves", () => {
    const { first, second, after } = ballot(member());
    expect(words(first)).toEqual(["persist", "verb stopReceiver"]);
    expect(words(second)).toEqual(["persist", `send voteReply ${b}`]);
    expect(after.durable).toMatchObject({ term: 8, vote: b });
    expect(sent(second)).toMatchObject([{ granted: true, term: 8 }]);
  });

  test("I11: a voter that received more than the candidate refuses and stands next", () => {
    const { second, after } = ballot(member(), voteRequest(), `${K}:1-7,${A}:1-10`);
    expect(sent(second)).toMatchObject([{ granted: false, term: 8 }]);
    expect(after.durable.vote).toBeUndefined();
    expect(after.deadlines.election).toBeLessThan(NOW + 20);
  });

  test("I11: sets that do not contain each other are refused, and the voter does not hurry", () => {
    const request = voteRequest({ standing: { lastTerm: 7, received: `${K}:1-7,${B}:1` } });
    const { second, after } = ballot(member(), request, `${K}:1-7,${A}:1`);
    expect(sent(second)).toMatchObject([{ granted: false }]);
    expect(after.deadlines.election).toBeGreaterThan(NOW + 500);
  });

  test("a higher barrier wins over a longer set", () => {
    const request = voteRequest({ standing: { lastTerm: 8, received: `${K}:1-8` }, term: 9 });
    const { second } = ballot(member(), request, `${K}:1-7,${A}:1-10`);
    expect(sent(second)).toMatchObject([{ granted: true }]);
  });

  test("I4: the same candidate asking again gets the same answer, another a refusal", () => {
    const voted = member({ durable: { term: 8, vote: b } });
    expect(sent(step(voted, message(voteRequest()), input)[1])).toMatchObject([{ granted: true }]);
    expect(sent(step(voted, message(voteRequest({ from: c })), input)[1])).toMatchObject([
      { granted: false },
    ]);
  });

  test("I7: while the leader is alive a vote is ignored, term and all", () => {
    const state = member({ state: { role: following(b) } });
    expect(step(state, message(voteRequest({ from: c })), input)).toEqual([state, []]);
  });

  test("the leader's own wish to hand over lifts that", () => {
    const state = member({ state: { role: following(b) } });
    expect(words(step(state, message(voteRequest({ from: c, transfer: 7 })), input)[1])).toContain(
      "verb stopReceiver",
    );
    expect(step(state, message(voteRequest({ from: c, transfer: 6 })), input)[1]).toEqual([]);
  });

  test("an agent that has just started ignores votes: it may have forgotten whom it answered", () => {
    const state = member({ state: { startedAt: NOW - 100 } });
    expect(step(state, message(voteRequest()), input)[1]).toEqual([]);
  });

  test("I2: a writable mysqld is fenced, confirmed, before its set is read", () => {
    const deposed = leader({ leaseUntil: NOW - 1 });
    const [fencing, first] = step(deposed, message(voteRequest()), input);
    expect(words(first)).toEqual(["closeGate", "verb fence", "persist", "tell Fenced", "persist"]);
    const [stopping, second] = step(fencing, { type: "fenced", term: 8, killed: false }, input);
    expect(words(second)).toEqual(["watchdog off", "verb stopReceiver"]);
    expect(sent(step(stopping, stopped(`${K}:1-7`), input)[1])).toMatchObject([{ granted: true }]);
  });

  test("a fence that had to kill leaves no set to read: no answer", () => {
    const [fencing] = step(leader({ leaseUntil: NOW - 1 }), message(voteRequest()), input);
    const [after, actions] = step(fencing, { type: "fenced", term: 8, killed: true }, input);
    expect(sent(actions)).toEqual([]);
    expect(after).toMatchObject({ ballot: undefined, mysqld: "down" });
  });

  test("a member without mysqld does not answer, but the term counts", () => {
    const [after, actions] = step(member({ state: { mysqld: "down" } }), message(voteRequest()), input);
    expect(words(actions)).not.toContain(`send voteReply ${b}`);
    expect(after.durable.term).toBe(8);
  });

  test("an abstainer goes by who won a term, not by sets", () => {
    const abstainer = member({ durable: { abstain: true, receivedTerm: 6 } });
    expect(sent(ballot(abstainer, voteRequest({ won: 6 }), `${A}:1-99`).second)).toMatchObject([
      { granted: true },
    ]);
    expect(sent(ballot(abstainer, voteRequest({ won: 5 }), "").second)).toMatchObject([{ granted: false }]);
  });

  test("an abstainer that waits to be cloned has no mysqld and votes all the same: else nobody could lead its clone", () => {
    const durable = { abstain: true, cloning: true, receivedTerm: 6 };
    const state = member({ durable, state: { mysqld: "down" } });
    const [after, actions] = step(state, message(voteRequest({ won: 6 })), input);
    expect(sent(actions)).toMatchObject([{ granted: true }]);
    expect(after.durable.vote).toBe(b);
  });

  test("an older configuration is refused", () => {
    expect(sent(ballot(member(), voteRequest({ configTerm: 0 })).second)).toMatchObject([{ granted: false }]);
  });

  test("a stranger's request counts for nothing", () => {
    const state = member();
    expect(step(state, message(voteRequest({ from: "x-9.z" })), input)).toEqual([state, []]);
  });
});

describe("a pre-vote", () => {
  const ask = (from = b, term = 8) => message({ ...voteRequest({ from, term }), type: "preVote" });
  const read = (received: string): Event => ({ type: "receivedRead", term: 7, received });

  test("changes no term and stops nothing", () => {
    const [waiting, first] = step(member(), ask(), input);
    expect(words(first)).toEqual(["verb readReceived"]);
    const [after, second] = step(waiting, read(`${K}:1-7`), input);
    expect(sent(second)).toMatchObject([{ type: "preVoteReply", granted: true, term: 7, askedTerm: 8 }]);
    expect(persisted(second)).toEqual([]);
    expect(after.durable.term).toBe(7);
  });

  test("is refused with an older configuration, and told the newer one: else neither could ever win", () => {
    const [waiting] = step(member(), message({ ...voteRequest({ configTerm: 0 }), type: "preVote" }), input);
    const [, actions] = step(waiting, read(`${K}:1-7`), input);
    const { config } = member().durable;
    expect(sent(actions)).toMatchObject([{ granted: false, config }]);
    const older = member({ durable: { config: config && { ...config, term: 0 } } });
    const told = { ...(sent(actions)[0] as PreVoteReply), from: b };
    expect(step(older, message(told), input)[0].durable.config).toEqual(config);
  });

  test("is refused by a member with more, which then stands soon", () => {
    const [waiting] = step(member(), ask(), input);
    const [after, actions] = step(waiting, read(`${K}:1-7,${A}:1`), input);
    expect(sent(actions)).toMatchObject([{ granted: false }]);
    expect(after.deadlines.election).toBeLessThan(NOW + 20);
  });

  test("of two that stand at once with equal data the lower id goes first", () => {
    const standing = { lastTerm: 7, received: `${K}:1-7` };
    const state = member({ state: { role: candidate({ role: "preCandidate", term: 8, standing }) } });
    const [waiting] = step(state, ask(b), input);
    expect(sent(step(waiting, read(standing.received), input)[1])).toMatchObject([{ granted: false }]);
    const other = member({
      durable: { memberId: b },
      state: { role: candidate({ role: "preCandidate", term: 8, standing, votes: [b] }) },
    });
    const [yielding] = step(other, ask(a), input);
    const [after, actions] = step(yielding, read(standing.received), input);
    expect(sent(actions)).toMatchObject([{ granted: true }]);
    expect(after.role.role).toBe("follower");
  });
});
