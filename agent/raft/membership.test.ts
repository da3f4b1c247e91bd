import { describe, expect, test } from "vitest";
import {
  B,
  K,
  NOW,
  a,
  b,
  c,
  config,
  following,
  heartbeat,
  input,
  leader,
  member,
  peer,
  persisted,
  sent,
  tuning,
  words,
} from "../../test/samples/raft";
import { step, waitsFor } from "./index";
import { markerOf } from "./standing";
import type { Action, Event, HeartbeatReply, Leader, Left, Peer, State, Wanted } from "./index";

const d = "x-3.d";
const w = "w-0.w";
const voters = (...names: string[]): Wanted[] => names.map((name) => ({ name, role: "voter" }));
const intent = (...members: Wanted[]) => ({ clusterId: K, members, initialised: true });
const M1 = markerOf(K, 7, 1);
const M2 = markerOf(K, 7, 2);

const reply = (from: string, more: Partial<HeartbeatReply> = {}): Event => ({
  type: "message",
  message: {
    ...{ type: "heartbeatReply", clusterId: K, from, term: 7, round: 10, receiving: 7, abstain: false },
    ...{ received: `${K}:1-7`, serverUuids: [], configTerm: 7, configVersion: 1, acknowledging: true },
    ...{ dataless: false, health: { serving: true, lagMs: 0, address: "" } },
    ...more,
  } as HeartbeatReply,
});

/** Steps through the events; the last state and all actions. */
function told(state: State, ...events: Event[]): readonly [State, readonly Action[]] {
  return events.reduce<readonly [State, readonly Action[]]>(
    ([now, all], event) => {
      const [next, actions] = step(now, event, input);
      return [next, [...all, ...actions]];
    },
    [state, []],
  );
}

const verbs = (actions: readonly Action[]): unknown[] =>
  actions.flatMap((action) => (action.do === "verb" ? [action.verb] : []));
const roleOf = (state: State): Leader => state.role as Leader;
const peersOf = (...list: Peer[]) => Object.fromEntries(list.map((one) => [one.id, one]));

/** The open leader of a, b, c, with an observer that follows. */
const withObserver = (change: { peers?: Peer[]; left?: Left[]; k?: number } = {}): State =>
  leader(
    { peers: peersOf(peer(b), peer(c), ...(change.peers ?? [peer(d, { acknowledging: false })])) },
    {
      durable: { config: { ...config, k: change.k ?? 1 }, left: change.left ?? [] },
      state: {
        intent: intent(...voters("x-0", "x-1", "x-2", "x-3")),
        observers: [{ id: d, dataless: false }],
      },
    },
  );

describe("a voter is added", () => {
  test("it catches up, k is raised, a marker is held by k(new) others and by itself, then it is in", () => {
    const [begun, first] = told(withObserver(), reply(b), reply(b));
    expect(roleOf(begun).change).toMatchObject({ kind: "add", member: d, stage: "catchingUp", marker: M1 });
    expect(verbs(first)).toEqual([{ verb: "mark", to: a, marker: M1 }]);
    const [raising, second] = told(begun, reply(d, { received: `${K}:1-7,${M1}`, acknowledging: false }));
    expect(verbs(second)).toEqual([{ verb: "setAcks", k: 2 }]);
    const [holding, third] = told(raising, { type: "acksSet", term: 7, k: 2 }, reply(b));
    expect(verbs(third)).toEqual([{ verb: "mark", to: a, marker: M2 }]);
    const has = (from: string) => reply(from, { received: `${K}:1-7,${M1},${M2}` });
    const [waits] = told(holding, has(b), has(c));
    expect(roleOf(waits).change?.stage).toBe("holding");
    const [added, fourth] = told(holding, has(b), has(d));
    expect(added.durable.config).toMatchObject({ version: 2, voters: [a, b, c, d], k: 2 });
    expect(words(fourth)).toContain("tell MemberJoined");
    expect(sent(fourth)).toContainEqual(expect.objectContaining({ type: "heartbeat" })); // At once.
    const on = (from: string) => reply(from, { configVersion: 2 });
    expect(roleOf(told(added, on(b))[0]).change?.stage).toBe("spreading");
    expect(roleOf(told(added, on(b), on(c))[0]).change).toBeUndefined();
  });

  const none: { name: string; state: State; events?: Event[] }[] = [
    { name: "it does not follow", state: withObserver({ peers: [peer(d, { receiving: 0 })] }) },
    { name: "it abstains", state: withObserver({ peers: [peer(d, { abstain: true })] }) },
    { name: "it does not answer", state: withObserver({ peers: [peer(d, { answeredAt: NOW - 5_000 })] }) },
    { name: "k is not yet what the configuration says", state: withObserver({ k: 2 }) },
    {
      name: "someone who left may still acknowledge",
      state: withObserver({ left: [{ member: "x-9.z", address: "" }] }),
    },
    {
      name: "the configuration is on too few disks",
      state: {
        ...withObserver({ peers: [peer(d)] }),
        role: {
          ...roleOf(withObserver()),
          peers: peersOf(peer(b, { configVersion: 0 }), peer(c, { configVersion: 0 }), peer(d)),
        },
      },
      events: [reply(d)],
    },
    {
      name: "the intent is of another cluster",
      state: { ...withObserver(), intent: { ...intent(...voters("x-3")), clusterId: B } },
    },
  ];
  test.each(none)(
    "not while $name",
    ({ state, events = [reply(b, { configVersion: state.durable.config?.version })] }) => {
      expect(roleOf(told(state, ...events)[0]).change).toBeUndefined();
    },
  );

  test("one that does not come to hold the marker gives the raised k back", () => {
    const [holding] = told(
      withObserver(),
      reply(b),
      reply(b),
      reply(d, { received: `${K}:1-7,${M1}` }),
      { type: "acksSet", term: 7, k: 2 },
      reply(b),
    );
    const late = { ...input, now: NOW + 1_600 };
    const fresh = { ...roleOf(holding), rounds: [{ round: 20, sentAt: NOW + 1_590 }] };
    const [, actions] = [b, c, d].reduce<readonly [State, readonly Action[]]>(
      ([now, all], from) => {
        const [next, more] = step(now, reply(from, { round: 20 }), late);
        return [next, [...all, ...more]];
      },
      [{ ...holding, role: fresh }, []],
    );
    expect(verbs(actions)).toEqual([{ verb: "setAcks", k: 1 }]);
  });

  test("learning that it is a voter it follows anew and acknowledges; one that left, at once silent", () => {
    const observer = member({
      durable: { config: { ...config, voters: [b, c] } },
      state: { role: following(b, { acknowledge: false }) },
    });
    const joined = step(
      observer,
      { type: "message", message: heartbeat({ config: { ...config, version: 2 } }) },
      input,
    );
    expect(verbs(joined[1])).toMatchObject([{ verb: "follow", acknowledge: true }]);
    const voter = member({ state: { role: following(b) } });
    const message = heartbeat({ config: { ...config, version: 2, voters: [b, c] } });
    const [left, actions] = step(voter, { type: "message", message }, input);
    expect(verbs(actions)).toMatchObject([{ verb: "stopReceiver" }, { verb: "follow", acknowledge: false }]);
    const [, silent] = step(left, { type: "receiverStopped", term: 7, received: "" }, input);
    expect(sent(silent)).toMatchObject([{ type: "heartbeatReply", acknowledging: false, configVersion: 2 }]);
  });
});

describe("a voter is removed", () => {
  const four = { ...config, voters: [a, b, c, d], k: 2 };
  const wanted = intent(...voters("x-0", "x-1", "x-2"));
  const state = leader(
    {
      acks: 2,
      peers: peersOf(peer(b), peer(c), peer(d, { health: { serving: true, lagMs: 0, address: "10.0.0.4" } })),
    },
    { durable: { config: four }, state: { intent: wanted } },
  );
  const on = (from: string, more: Partial<HeartbeatReply> = {}) => reply(from, { configVersion: 2, ...more });

  test("out of the configuration first; silence, a marker with the rest, and only then fewer acknowledgements", () => {
    const [removed, first] = told(state, reply(b));
    expect(removed.durable).toMatchObject({
      config: { version: 2, voters: [a, b, c], k: 2 },
      left: [{ member: d, address: "10.0.0.4" }],
    });
    expect(persisted(first).at(-1)?.config?.voters).toEqual([a, b, c]);
    expect(removed.observers).toEqual([{ id: d, dataless: false }]);
    const [waits, second] = told(removed, on(b), on(c), on(b));
    expect(roleOf(waits).change?.stage).toBe("silencing");
    expect(verbs(second)).toEqual([]);
    const [marking, third] = told(waits, on(d, { acknowledging: false }), on(b), on(c));
    expect(marking.durable.left).toEqual([]);
    expect(verbs(third)).toEqual([{ verb: "mark", to: a, marker: M1 }]);
    const [lowering] = told(marking, on(b, { received: `${K}:1-7,${M1}` }));
    expect(lowering.durable.config).toMatchObject({ version: 3, k: 1 });
    const [, last] = told(lowering, reply(c, { configVersion: 3 }));
    expect(verbs(last)).toEqual([{ verb: "setAcks", k: 1 }]);
  });

  test("one that does not answer is shut out; the lock is taken back when it is seen to be silent", () => {
    const gone = {
      ...state,
      role: {
        ...roleOf(state),
        peers: {
          ...roleOf(state).peers,
          [d]: peer(d, { answeredAt: NOW - 9_000, health: { serving: true, lagMs: 0, address: "10.0.0.4" } }),
        },
      },
    };
    const [shut, actions] = told(gone, reply(b), on(b), on(c));
    expect(verbs(actions)).toEqual([{ verb: "exclude", member: d, address: "10.0.0.4" }]);
    const [marking, more] = told(shut, { type: "excluded", term: 7, member: d }, on(b));
    expect(verbs(more)).toEqual([{ verb: "mark", to: a, marker: M1 }]);
    const [, back] = told(marking, on(d, { acknowledging: false }));
    expect(verbs(back)).toEqual([{ verb: "admit", member: d, address: "10.0.0.4" }]);
  });

  test("not where the rest could not elect or commit", () => {
    const dead = peer(c, { answeredAt: NOW - 9_000 });
    const three = leader(
      { peers: peersOf(peer(b), dead) },
      { state: { intent: intent(...voters("x-0", "x-2")) } },
    );
    const [after] = told(three, reply(b));
    expect(roleOf(after).change).toBeUndefined();
    expect(waitsFor(after, NOW)).toBe("the rest without x-1 could not elect or commit now");
  });

  test("an emptied volume: the old member goes when the new one follows", () => {
    const fresh = "x-1.new";
    const peers = peersOf(
      peer(b, { answeredAt: NOW - 9_000 }),
      peer(c),
      peer(fresh, { acknowledging: false }),
    );
    const wiped = leader(
      { peers },
      {
        state: {
          intent: intent(...voters("x-0", "x-1", "x-2")),
          observers: [{ id: fresh, dataless: false }],
        },
      },
    );
    expect(told(wiped, reply(c))[0].durable.config?.voters).toEqual([a, c]);
  });

  test("itself: it hands over to one that is wanted", () => {
    const own = leader({}, { state: { intent: intent(...voters("x-1", "x-2")) } });
    const [after, actions] = told(own, reply(b));
    expect(words(actions)).toContain("verb quiesce");
    expect(roleOf(after)).toMatchObject({ phase: "quiescing", transferTo: "x-1" });
  });
});

describe("with a witness the loss of a data voter stops no writes for long", () => {
  const pair = { ...config, voters: [a, b, w], witnesses: [w], k: 1 };
  const wanted = intent(...voters("x-0", "x-1"), { name: "w-0", role: "witness" });
  const silent = peer(b, { answeredAt: NOW - 9_000, followedAt: NOW - 9_000 });
  const witness = peer(w, { receiving: 0, received: "", acknowledging: false });
  const cluster = (role: Partial<Leader> = {}) =>
    leader(
      { peers: peersOf(silent, witness), ...role },
      { durable: { config: pair }, state: { intent: wanted } },
    );

  test.each(["open", "gathering"] as const)(
    "%s: it is removed, k is 0 on two disks, then semi-sync goes off",
    (phase) => {
      const [removed, first] = told(cluster({ phase }), reply(w));
      expect(removed.durable.config).toMatchObject({ version: 2, voters: [a, w], k: 0 });
      expect(verbs(first)).toEqual([]);
      const [off, second] = told(removed, reply(w, { configVersion: 2 }));
      expect(verbs(second)).toContainEqual({ verb: "setAcks", k: 0 });
      expect(words(second)).not.toContain("verb barrier");
      if (phase === "open") return;
      const all: Event[] = [
        { type: "acksSet", term: 7, k: 0 },
        { type: "excluded", term: 7, member: b },
      ];
      expect(words(told(off, ...all)[1])).toContain("verb barrier");
    },
  );

  test("not before it has been silent for two election timeouts, and never without a witness", () => {
    const lately = peer(b, { followedAt: NOW - 2 * tuning.electionMaxMs + 1 });
    expect(told(cluster({ peers: peersOf(lately, witness) }), reply(w))[0].durable.config?.version).toBe(1);
    const three = leader({ peers: peersOf(silent, peer(c, { followedAt: NOW - 9_000, receiving: 0 })) });
    expect(told(three, reply(c, { receiving: 0 }))[0].durable.config?.version).toBe(1);
  });
});
