import { describe, expect, test } from "vitest";
import {
  A,
  B,
  K,
  NOW,
  a,
  b,
  config,
  following,
  heartbeat,
  input,
  leader,
  member,
  persisted,
  tuning,
  words,
} from "../../test/samples/raft";
import { initialState, recoveryRefusal, step } from "./index";
import type { Event, Message, State } from "./index";

const NEW = "22222222-2222-2222-2222-222222222222";
const recover: Event = { type: "recover", clusterId: NEW };
const intent = (clusterId: string, former: readonly string[]): Event => ({
  type: "intent",
  ...{ clusterId, former, initialised: true, tuning },
  members: ["x-0", "x-1", "x-2"].map((name) => ({ name, role: "voter" as const })),
});

describe("one member goes on alone", () => {
  test("as another cluster, in the next term, fenced off from its old leader; then it stands at once", () => {
    const [after, actions] = step(member(), recover, input);
    expect(after.durable).toMatchObject({
      ...{ clusterId: NEW, former: [K], term: 8, vote: a },
      config: { term: 8, version: 1, voters: [a], witnesses: [], k: 0 },
    });
    expect(words(actions)).toEqual(["persist", "verb stopReceiver", "tell Recovered"]);
    expect(after.deadlines.election).toBeLessThan(NOW + 20);
    const late = { ...input, now: NOW + 20 };
    const [standing, asks] = step(after, { type: "timer" }, late);
    expect(words(asks)).toEqual(["verb readReceived"]);
    const [voting] = step(standing, { type: "receivedRead", term: 8, received: `${K}:1-7` }, late);
    const [leads] = step(voting, { type: "receiverStopped", term: 9, received: `${K}:1-7` }, late);
    expect(leads.role).toMatchObject({ role: "leader", phase: "draining" });
  });

  const refused: { name: string; state: State; says: RegExp }[] = [
    { name: "it leads", state: leader(), says: /leads/ },
    { name: "it hears a leader", state: member({ state: { role: following(b) } }), says: /hears a leader/ },
    { name: "half a clone", state: member({ durable: { cloning: true } }), says: /clone is not whole/ },
    { name: "diverged", state: member({ durable: { quarantined: `${A}:5` } }), says: /diverged/ },
    { name: "mysqld is down", state: member({ state: { mysqld: "down" } }), says: /does not run/ },
    { name: "a witness", state: { ...member(), dataless: true }, says: /witness/ },
    { name: "no cluster yet", state: member({ durable: { config: undefined } }), says: /no cluster/ },
  ];
  test.each(refused)("refused: $name", ({ state, says }) => {
    expect(recoveryRefusal(state, NOW)).toMatch(says);
    expect(step(state, recover, input)).toEqual([state, []]);
  });

  test("never under an id it had; an intent from before says nothing", () => {
    expect(step(member({ durable: { former: [NEW] } }), recover, input)[1]).toEqual([]);
    const [alone] = step(member(), recover, input);
    expect(step(alone, intent(K, []), input)[0].durable).toEqual(alone.durable);
  });
});

describe("the lost come back", () => {
  test("the intent says that theirs is a former cluster: term kept, data given up, closed until cloned", () => {
    const [after, actions] = step(member({ durable: { term: 40 } }), intent(NEW, [K]), input);
    expect(after.durable).toMatchObject({
      ...{ clusterId: NEW, former: [K], term: 40, cloning: true, abstain: true, config: undefined },
    });
    expect(words(actions)).toContain("verb fence");
    expect(words(actions)).toContain("send hello x-1");
  });

  test("a leader of the old cluster is fenced first", () => {
    const [after, actions] = step(leader(), intent(NEW, [K]), input);
    expect(after.role.role).toBe("follower");
    expect(words(actions).slice(0, 2)).toEqual(["closeGate", "verb fence"]);
    expect(persisted(actions).at(-1)?.clusterId).toBe(NEW);
  });

  test("what it gives up is told when the new leader is heard", () => {
    const [left] = step(member({ state: { received: `${K}:1-7,${B}:1-9` } }), intent(NEW, [K]), input);
    const [closed] = step(left, { type: "fenced", term: 7, killed: false }, input);
    const message = heartbeat({
      clusterId: NEW,
      term: 9,
      electedSet: `${K}:1-7,${B}:1-5`,
      serverUuid: A,
      config: { ...config, term: 9, voters: [b] },
    });
    const [, actions] = step(closed, { type: "message", message }, input);
    expect(actions).toContainEqual({
      do: "tell",
      event: { what: "TransactionsDiscarded", gtids: `${B}:6-9` },
    });
    expect(words(actions)).toContain("verb clone");
  });

  test("a leader of a lower term makes room for one that is wanted and cannot go back", () => {
    const observers = [{ id: "x-1.old", dataless: false }];
    const wanted = { clusterId: K, members: [{ name: "x-1", role: "voter" as const }], initialised: true };
    const message = {
      ...{ type: "heartbeatReply", clusterId: K, from: "x-1.old", term: 40, round: 1, receiving: 0 },
      ...{ abstain: true, received: "", serverUuids: [], configTerm: 0, configVersion: 0 },
      ...{ acknowledging: false, dataless: false, health: { serving: false, lagMs: 0, address: "" } },
    } as Message;
    const known = leader({}, { state: { observers, intent: wanted } });
    expect(step(known, { type: "message", message }, input)[0].durable.term).toBe(40);
    expect(step(leader(), { type: "message", message }, input)[0].durable.term).toBe(7);
  });
});

test("a witness's process asks mysqld for nothing and never stands", () => {
  const witness: State = {
    ...initialState({ ...member().durable, config: { ...config, witnesses: [a] } }, tuning, true),
  };
  const [started, first] = step(
    witness,
    { type: "started", mysqld: "down", writable: false, unsafeData: false },
    input,
  );
  const [, second] = step(started, { type: "timer" }, { ...input, now: NOW + 9_000 });
  const [, third] = step(started, { type: "message", message: heartbeat({ term: 9 }) }, input);
  expect(words([...first, ...second, ...third]).filter((word) => word.startsWith("verb"))).toEqual([]);
});
