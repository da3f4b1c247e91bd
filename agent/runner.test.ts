import { expect, test } from "vitest";
import type { MysqlPort } from "./mysql/port";
import type { ClockPort } from "./ports";
import { silentLog } from "./log";
import { createRunner, type Runner } from "./runner";
import { freshDurable, initialState, tuningOf } from "./raft";
import type { Action, Event, State } from "./raft/types";

const tuning = tuningOf({ heartbeatMs: 150, electionTimeoutMs: 1000 }, true);
const start: State = initialState(freshDurable("shop-0.aaaa"), tuning);
const hello = { type: "hello", clusterId: "", from: "shop-0.aaaa", empty: true, dataless: false } as const;
const send = (to: string): Action => ({ do: "send", to, message: hello });

interface World {
  readonly runner: Runner;
  /** What reached the ports, in order. */
  readonly seen: string[];
  readonly timers: { ms: number; fire: () => void; cancelled: boolean }[];
  readonly fatal: unknown[];
  saved(): void;
  now: number;
}

/** A runner on a core that answers each event with the next script line. */
function world(
  script: readonly (readonly [Partial<State>, readonly Action[]])[],
  deadlines: (number | undefined)[] = [],
): World {
  const seen: string[] = [];
  const timers: World["timers"] = [];
  const fatal: unknown[] = [];
  const lines = [...script];
  const pending: (() => void)[] = [];
  const mysql = {
    start: (term, verb) => seen.push(`verb ${verb.verb} ${term}`),
    supersede: (term) => seen.push(`supersede ${term}`),
    beat: (until) => seen.push(`beat ${until}`),
    watchdog: (armed) => {
      seen.push(`watchdog ${armed}`);
      return new Promise<void>((resolve) => pending.push(resolve));
    },
  } satisfies Partial<MysqlPort>;
  const result: World = {
    seen,
    timers,
    fatal,
    now: 1000,
    saved: () => pending.shift()?.(),
    runner: undefined as never,
  };
  const clock: ClockPort = {
    now: () => result.now,
    chance: () => 0.5,
    after(ms, fire) {
      const timer = { ms, fire, cancelled: false };
      timers.push(timer);
      return () => void (timer.cancelled = true);
    },
  };
  const runner = createRunner(start, {
    core: {
      step: (state, event: Event) => {
        seen.push(`step ${event.type}`);
        const line = lines.shift();
        if (!line) throw new Error("bug: no line for the event");
        return [{ ...state, ...line[0] }, line[1]];
      },
      nextDeadline: () => deadlines.shift(),
    },
    store: {
      save: (durable) => {
        seen.push(`save ${durable.term}`);
        return new Promise<void>((resolve) => pending.push(resolve));
      },
    },
    mysql: mysql as unknown as MysqlPort,
    peers: { send: (to) => seen.push(`send ${to}`), sendByName: (to) => seen.push(`sendByName ${to}`) },
    publisher: {
      publishPrimary: (term) => seen.push(`publish ${term}`),
      tell: (told) => seen.push(`tell ${told.what}`),
      follow: () => undefined,
    },
    gate: { open: (term) => seen.push(`gate open ${term}`), close: () => seen.push("gate close") },
    clock,
    log: silentLog,
    exit: (clean) => Promise.resolve(void seen.push(`exit ${clean}`)),
    fatal: (error) => fatal.push(error),
  });
  return Object.assign(result, { runner });
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("I3, I4: nothing leaves before the state is on disk, and no later event overtakes it", async () => {
  const { runner, seen, saved } = world([
    [{}, [send("a"), { do: "persist", durable: { ...start.durable, term: 7 } }, send("b")]],
    [{}, [send("c")]],
  ]);
  runner.post({ type: "timer" });
  runner.post({ type: "shutdown" });
  await turn();
  expect(seen).toEqual(["step timer", "send a", "save 7"]);
  saved();
  await turn();
  expect(seen).toEqual(["step timer", "send a", "save 7", "send b", "step shutdown", "send c"]);
});

test("a verb is started at its place and not waited for", async () => {
  const { runner, seen } = world([
    [
      {},
      [
        { do: "verb", term: 3, verb: { verb: "stopReceiver" } },
        send("b"),
        { do: "closeGate" },
        { do: "lease", until: 9 },
      ],
    ],
  ]);
  runner.post({ type: "timer" });
  await turn();
  expect(seen).toEqual(["step timer", "verb stopReceiver 3", "send b", "gate close", "beat 9"]);
});

test("I7: mysqld is not opened before the watchdog is in force; disarming is not waited for", async () => {
  const { runner, seen, saved } = world([
    [
      {},
      [
        { do: "watchdog", armed: true },
        { do: "verb", term: 3, verb: { verb: "open" } },
      ],
    ],
    [{}, [{ do: "watchdog", armed: false }, send("b")]],
  ]);
  runner.post({ type: "timer" });
  await turn();
  expect(seen).toEqual(["step timer", "watchdog true"]);
  saved();
  await turn();
  expect(seen.slice(2)).toEqual(["verb open 3"]);
  runner.post({ type: "timer" });
  await turn();
  expect(seen.slice(3)).toEqual(["step timer", "watchdog false", "send b"]);
});

test("a higher term kills older statements before any action", async () => {
  const { runner, seen } = world([[{ durable: { ...start.durable, term: 4 } }, [send("b")]]]);
  runner.post({ type: "timer" });
  await turn();
  expect(seen).toEqual(["step timer", "supersede 4", "send b"]);
});

test("one timer stands at the next deadline, and is set anew only when that moves", async () => {
  const w = world(
    [
      [{}, []],
      [{}, []],
      [{}, []],
      [{}, []],
    ],
    [1150, 1150, 1200, undefined],
  );
  w.runner.post({ type: "timer" });
  w.runner.post({ type: "timer" });
  await turn();
  expect(w.timers.map(({ ms }) => ms)).toEqual([150]);
  w.now = 1100;
  w.runner.post({ type: "timer" });
  await turn();
  expect(w.timers.map(({ ms, cancelled }) => [ms, cancelled])).toEqual([
    [150, true],
    [100, false],
  ]);
  w.now = 1200;
  w.timers[1]?.fire();
  await turn();
  expect(w.seen.length).toBe(4);
  expect(w.timers.length).toBe(2);
});

test("a publication opens the gate, and exit is the last thing done", async () => {
  const { runner, seen } = world([
    [{}, [{ do: "publish", term: 5 }, { do: "exit", clean: true }, send("late")]],
  ]);
  runner.post({ type: "timer" });
  await turn();
  runner.post({ type: "timer" });
  await turn();
  expect(seen).toEqual(["step timer", "gate open 5", "publish 5", "exit true"]);
});

test("a bug in the core ends the process, and nothing is carried out after it", async () => {
  const { runner, seen, fatal } = world([]);
  runner.post({ type: "timer" });
  await turn();
  runner.post({ type: "timer" });
  await turn();
  expect(fatal).toHaveLength(1);
  expect(seen).toEqual(["step timer"]);
});

test("the history has the election by phase, and who was primary before", async () => {
  const leader = (phase: string): Partial<State> =>
    ({
      role: { role: "leader", phase, peers: {}, cause: "leader-silent", reason: "the leader was silent" },
    }) as unknown as Partial<State>;
  const follower = {
    role: { role: "follower", leader: "shop-1.bbbb", answeredAt: 900, follow: "done" },
  } as Partial<State>;
  const candidate = {
    role: { role: "preCandidate", term: 1, votes: [], transfer: 0, cause: "leader-silent", since: 0 },
  } as Partial<State>;
  const w = world([
    [follower, []],
    [candidate, []],
    [leader("draining"), []],
    [leader("opening"), []],
    [leader("open"), []],
  ]);
  for (const now of [1000, 1700, 1710, 1750, 1800]) {
    w.now = now;
    w.runner.post({ type: "timer" });
    await turn();
  }
  const { lastFailover, outageMs, electionsStarted, electionsWon } = w.runner.history();
  expect(lastFailover).toMatchObject({ from: "shop-1.bbbb", to: "shop-0.aaaa", reason: "leader-silent" });
  expect(lastFailover?.phasesMs).toEqual({ preCandidate: 10, draining: 40, opening: 50, total: 100 });
  expect({ outageMs, electionsStarted, electionsWon }).toEqual({
    outageMs: 900,
    electionsStarted: 1,
    electionsWon: 1,
  });
});
