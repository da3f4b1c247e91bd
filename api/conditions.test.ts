import { expect, test } from "vitest";
import { isBad, setCondition, type Observed } from "./conditions";

const [T1, T2] = ["2026-11-21T10:00:00Z", "2026-11-21T11:00:00Z"];
const down: Observed = {
  type: "Available",
  status: "False",
  reason: "NoPrimary",
  message: "shop has no primary.",
};
const up: Observed = {
  type: "Available",
  status: "True",
  reason: "AsExpected",
  message: "shop-0 takes writes.",
};

test("the time is that of the last change of status, not of the message", () => {
  const first = setCondition([], down, T1);
  const reworded = setCondition(first, { ...down, reason: "NoQuorum", message: "1 of 3 voters lives." }, T2);
  expect(reworded).toEqual([
    { ...down, reason: "NoQuorum", message: "1 of 3 voters lives.", lastTransitionTime: T1 },
  ]);
  expect(setCondition(reworded, up, T2)).toEqual([{ ...up, lastTransitionTime: T2 }]);
});

test("nothing new is the same list, and other conditions stay", () => {
  const list = setCondition(setCondition([], up, T1), { ...up, type: "Ready" }, T1);
  expect(setCondition(list, up, T2)).toBe(list);
  expect(setCondition(list, down, T2).map(({ type, status }) => [type, status])).toEqual([
    ["Available", "False"],
    ["Ready", "True"],
  ]);
});

test.each([
  ["Available", "True", false],
  ["Available", "Unknown", true],
  ["Stalled", "True", true],
  ["Reconciling", "False", false],
] as const)("%s %s is bad: %s", (type, status, bad) => expect(isBad({ type, status })).toBe(bad));
