/** The judges can say no: each line of the verdict against data that breaks it. */
import { expect, test } from "vitest";
import { longestSilence } from "./incident";
import { judge, type Holding } from "./verdict";
import { Judge, type Sample } from "./watch";

const A = "0b5f8f3c-9f5e-4d5e-8a53-0c8a3b7d9f10";
const member = (name: string, change: Partial<Holding> = {}): Holding => ({
  name,
  executed: `${A}:1-9`,
  received: "",
  checksums: { "app.ids": "1" },
  ids: new Set(["1/0/1", "1/0/2"]),
  ...change,
});
const acknowledged = [{ incident: 1, writer: 0, seqs: [1, 2] }];

test("equal members that hold every acknowledged id are good", () => {
  expect(judge([member("a"), member("b", { received: `${A}:3-9` })], acknowledged)).toEqual([]);
});

test.each([
  ["an acknowledged id is missing", { ids: new Set(["1/0/1"]) }, /b lacks 1 acknowledged ids: 1\/0\/2/],
  ["a replica executed more", { executed: `${A}:1-10` }, /b executed what a has not/],
  ["a replica executed less", { executed: `${A}:1-8` }, /b lacks GTIDs of a/],
  ["a replica received more", { received: `${A}:10` }, /b received what a has not/],
  ["a checksum differs", { checksums: { "app.ids": "2" } }, /app\.ids has checksum 2 on b, 1 on a/],
  ["a table is missing", { checksums: {} }, /app\.ids has checksum none on b/],
])("%s", (_, change, reason) => {
  expect(judge([member("a"), member("b", change)], acknowledged).join("\n")).toMatch(reason);
});

const says = (name: string, term: number, at: number, serves = true): Sample => ({
  askedAt: at,
  hadAt: at + 5,
  status: { name, memberId: `${name}.1`, role: serves ? "primary" : "replica", ready: serves, term },
});

test("a term that goes back is seen; of two answers that overlap none is later", () => {
  const judges = new Judge();
  expect(judges.take(says("a", 5, 0, false))).toEqual([]);
  expect(judges.take(says("a", 4, 3, false))).toEqual([]);
  expect(judges.take(says("a", 4, 10, false))).toEqual(["the term of a went back from 5 to 4"]);
});

test("who serves after a newer primary did is seen, and two of one term", () => {
  const judges = new Judge();
  expect(judges.take(says("a", 5, 0))).toEqual([]);
  expect(judges.take(says("b", 6, 10))).toEqual([]);
  expect(judges.take(says("a", 5, 12))).toEqual([]); // Began before b's answer was had.
  expect(judges.take(says("a", 5, 20))).toEqual(["a serves as primary of term 5 after b did of 6"]);
  expect(judges.take(says("c", 6, 30))).toEqual(["c and b both serve as primary of term 6"]);
});

test("an outage begins with the last OK before the fault", () => {
  expect(longestSilence([0, 10, 20, 300, 310], 50)).toBe(280);
  expect(longestSilence([0, 200, 210, 220], 205)).toBe(10);
  expect(longestSilence([0, 10], 50)).toBeUndefined();
});
