import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  contactLine,
  logLine,
  longestSilence,
  parseContacts,
  parseLog,
  percentiles,
  silencePerWriter,
  type Entry,
} from "./outage";

const ok = (at: number, writer = 0): Entry => ({ writer, seq: at, at, outcome: "ok" });
const unknown = (at: number, writer = 0): Entry => ({ writer, seq: at, at, outcome: "unknown" });

const cases: { name: string; log: Entry[]; from: number; to: number; silence?: [number, number] }[] = [
  {
    name: "a crash: the gap starts before the fault",
    log: [ok(90), ok(98), ok(900), ok(910)],
    from: 100,
    to: 2000,
    silence: [98, 900],
  },
  {
    name: "a hand-over: commits go on for a while",
    log: [ok(98), ok(150), ok(600), ok(610)],
    from: 100,
    to: 2000,
    silence: [150, 600],
  },
  {
    name: "any writer's OK ends it",
    log: [ok(98, 0), ok(99, 1), ok(700, 1), ok(800, 0)],
    from: 100,
    to: 2000,
    silence: [99, 700],
  },
  {
    name: "an unknown outcome is no OK",
    log: [ok(98), unknown(300), ok(700)],
    from: 100,
    to: 2000,
    silence: [98, 700],
  },
  {
    name: "a gap after the window is another fault's",
    log: [ok(98), ok(300), ok(3000)],
    from: 100,
    to: 2000,
    silence: [98, 300],
  },
  {
    name: "a gap before the window is an earlier fault's",
    log: [ok(0), ok(90), ok(110)],
    from: 100,
    to: 2000,
    silence: [90, 110],
  },
  {
    name: "the log may be out of order by writer",
    log: [ok(700, 1), ok(98, 0)],
    from: 100,
    to: 2000,
    silence: [98, 700],
  },
  { name: "nobody came back", log: [ok(98)], from: 100, to: 2000 },
  { name: "nobody wrote before", log: [ok(300), ok(400)], from: 100, to: 2000 },
  { name: "nothing at all", log: [], from: 100, to: 2000 },
];

test.each(cases)("silence: $name", ({ log, from, to, silence }) => {
  const found = longestSilence(log, { from, to });
  const [lastOkAt, firstOkAt] = silence ?? [];
  expect(found).toEqual(
    lastOkAt === undefined || firstOkAt === undefined
      ? undefined
      : { lastOkAt, firstOkAt, ms: firstOkAt - lastOkAt },
  );
});

test("per writer: each has its own silence, and who never came back has none", () => {
  const log = [ok(98, 0), ok(99, 1), ok(90, 2), ok(700, 1), ok(800, 0)];
  expect(silencePerWriter(log, { from: 100, to: 2000 })).toEqual([702, 601]);
});

test("where every writer wrote before the fault, the silence of all is no longer than the worst of one", () => {
  const entry = fc.record({
    writer: fc.nat(3),
    seq: fc.nat(),
    at: fc.nat(1000),
    outcome: fc.constantFrom<Entry["outcome"]>("ok", "unknown"),
  });
  fc.assert(
    fc.property(fc.array(entry), (drawn) => {
      const log = [0, 1, 2, 3].map((writer) => ok(400, writer)).concat(drawn);
      const window = { from: 500, to: 1000 };
      const own = silencePerWriter(log, window);
      const all = longestSilence(log, window);
      if (own.length > 0) expect(all?.ms).toBeLessThanOrEqual(Math.max(...own));
    }),
  );
});

describe("the log", () => {
  const log = [ok(1, 2), unknown(3)];
  test("is read as it was written", () => expect(parseLog(log.map(logLine).join(""))).toEqual(log));
  test("may end in a torn line", () => expect(parseLog(log.map(logLine).join("") + '{"w":1')).toEqual(log));
  test("may be empty", () => expect(parseLog("")).toEqual([]));
});

describe("percentiles", () => {
  test("of none there are none", () => expect(percentiles([])).toBeUndefined());
  test("are measured values, by nearest rank", () => {
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(percentiles(hundred)).toEqual({ n: 100, p50: 50, p95: 95, p99: 99, max: 100 });
    expect(percentiles([7])).toEqual({ n: 1, p50: 7, p95: 7, p99: 7, max: 7 });
    expect(percentiles([3, 1, 2])).toEqual({ n: 3, p50: 2, p95: 3, p99: 3, max: 3 });
  });
});

test("connections are in the same log, and no answers", () => {
  const contact = { writer: 3, at: 17, what: "reached" } as const;
  const log = contactLine(contact) + logLine(ok(20)) + contactLine({ ...contact, what: "greeted" });
  expect(parseLog(log)).toEqual([ok(20)]);
  expect(parseContacts(log).map(({ what }) => what)).toEqual(["reached", "greeted"]);
});
