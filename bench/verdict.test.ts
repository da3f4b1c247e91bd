import { describe, expect, test } from "vitest";
import type { Entry } from "./outage";
import { isGood, judge, verdictText, type Holding } from "./verdict";

const A = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";
const holding = (instance: string, over: Partial<Holding> = {}): Holding => ({
  instance,
  executed: `${A}:1-9`,
  checksums: { "app.porpoise_writes": "42" },
  rows: new Set(["r/0/1", "r/0/2"]),
  ...over,
});
const entry = (seq: number, outcome: Entry["outcome"] = "ok"): Entry => ({
  writer: 0,
  seq,
  at: seq,
  outcome,
});
const written = (...entries: Entry[]) => [{ run: "r", entries }];

describe("judge", () => {
  test("all rows on all instances, all equal: good", () => {
    const verdict = judge([holding("shop-0"), holding("shop-1")], written(entry(1), entry(2)));
    expect(verdict).toEqual({
      instances: 2,
      tables: 1,
      acknowledged: 2,
      unknown: 0,
      lost: [],
      divergent: [],
    });
    expect(isGood(verdict)).toBe(true);
    expect(verdictText(verdict)).toBe(
      "2 acknowledged rows are on all 2 instances; checksums of 1 tables and GTID sets agree",
    );
  });

  const bad: { name: string; holdings: Holding[]; entries: Entry[]; text: RegExp }[] = [
    {
      name: "an acknowledged row is missing on one instance",
      holdings: [holding("shop-0"), holding("shop-1", { rows: new Set(["r/0/1"]) })],
      entries: [entry(1), entry(2)],
      text: /^1 acknowledged rows missing, 0 instances differ: r\/0\/2 on shop-1$/,
    },
    {
      name: "a checksum differs",
      holdings: [holding("shop-0"), holding("shop-1", { checksums: { "app.porpoise_writes": "43" } })],
      entries: [entry(1)],
      text: /shop-1 differs from shop-0: app.porpoise_writes has checksum 43 instead of 42$/,
    },
    {
      name: "a table is missing",
      holdings: [holding("shop-0"), holding("shop-1", { checksums: {} })],
      entries: [entry(1)],
      text: /app.porpoise_writes has checksum none instead of 42$/,
    },
    {
      name: "a transaction too many",
      holdings: [holding("shop-0"), holding("shop-1", { executed: `${A}:1-10` })],
      entries: [entry(1)],
      text: /gtid_executed .*:1-10 instead of .*:1-9$/,
    },
    {
      name: "nothing was acknowledged",
      holdings: [holding("shop-0")],
      entries: [],
      text: /nothing to judge$/,
    },
    { name: "there is no instance", holdings: [], entries: [entry(1)], text: /missing, 0 instances differ/ },
  ];
  test.each(bad)("$name: bad", ({ holdings, entries, text }) => {
    const verdict = judge(holdings, written(...entries));
    expect(isGood(verdict)).toBe(false);
    if (holdings.length > 0) expect(verdictText(verdict)).toMatch(text);
  });

  test("a row of unknown outcome may be missing", () => {
    const verdict = judge([holding("shop-0")], written(entry(1), entry(7, "unknown")));
    expect([verdict.unknown, isGood(verdict)]).toEqual([1, true]);
  });

  test("a set written in another order is the same set", () => {
    const B = A.replaceAll("a", "b");
    const holdings = [
      holding("shop-0", { executed: `${A}:1-9,${B}:1` }),
      holding("shop-1", { executed: `${B}:1,${A}:1-5:6-9` }),
    ];
    expect(judge(holdings, written(entry(1))).divergent).toEqual([]);
  });
});
