/** One number gives the same faults again; every fault and load has its turn. */
import { expect, test } from "vitest";
import { FAULTS, NEEDS_DATA, NEEDS_PEERS } from "./faults";
import { LOADS } from "./loads";
import { fits, plan } from "./plan";
import { readRuns } from "./runs";

test("the same seed gives the same incidents; another gives others; a longer list begins like a shorter one", () => {
  const once = plan({ seed: 7, count: 30, members: 3 });
  expect(plan({ seed: 7, count: 30, members: 3 })).toEqual(once);
  expect(plan({ seed: 8, count: 30, members: 3 })).not.toEqual(once);
  expect(plan({ seed: 7, count: 60, members: 3 }).slice(0, 30)).toEqual(once);
});

test("a thousand incidents have every fault, every load, every moment and both roles", () => {
  const all = plan({ seed: 1, count: 1_000, members: 5 });
  const strokes = all.flatMap(({ first, second }) => (second ? [first, second] : [first]));
  expect(new Set(strokes.map(({ fault }) => fault))).toEqual(new Set(Object.keys(FAULTS)));
  expect(new Set(all.map(({ load }) => load))).toEqual(new Set(Object.keys(LOADS)));
  expect(new Set(strokes.map(({ on }) => on))).toEqual(new Set(["leader", "follower"]));
  const moments = all.flatMap(({ second }) => second?.moment ?? []);
  expect(new Set(moments)).toEqual(new Set(["at once", "election", "drain", "rewind", "clone"]));
});

test("a member alone is never cut off from its peers", () => {
  const strokes = plan({ seed: 1, count: 500, members: 1 }).flatMap(({ first, second }) => [
    first,
    second ?? first,
  ]);
  expect(strokes.filter(({ fault }) => NEEDS_PEERS.has(fault))).toEqual([]);
});

test("a witness has no mysqld to strike", () => {
  for (const fault of NEEDS_DATA) {
    expect(fits(fault, { witness: true })).toBe(false);
    expect(fits(fault, { witness: false })).toBe(true);
  }
  expect(fits("pod-killed", { witness: true })).toBe(true);
});

test("a run is divided among the clusters asked for, each with a plan of its own", () => {
  const { runs } = readRuns({ N: "130", SEED: "5", MEMBERS: "3,2+witness" });
  expect(runs.map(({ shape, incidents }) => [shape.members, shape.witness, incidents.length])).toEqual([
    [3, false, 44],
    [2, true, 43],
    [3, false, 43],
  ]);
  expect(runs[0]?.incidents.slice(0, 5)).not.toEqual(runs[2]?.incidents.slice(0, 5));
});

test.each([
  [{ N: "x" }, /N is not a whole number/],
  [{ MEMBERS: "4" }, /MEMBERS must be one of 1, 2, 3, 5/],
  [{ FAULT: "rain" }, /FAULT must be one of mysqld-sigkill/],
])("%j is refused by name", (env, reason) => {
  expect(() => readRuns(env)).toThrow(reason);
});
