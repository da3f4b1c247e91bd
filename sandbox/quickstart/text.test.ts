import { expect, test } from "vitest";
import type { Incident } from "../../bench/incident";
import { comebackText, incidentRow, nextSteps } from "./text";

const one: Incident = {
  before: { primary: "shop-0", term: 1 },
  after: { primary: "shop-1", term: 2 },
  outage: { lastOkAt: 0, firstOkAt: 812, ms: 812 },
  perWriter: [812],
  comeback: { how: "rewind", gtids: "a:7" },
  wholeAfterMs: 4260,
  furtherElections: 0,
};

test("a row says what the client saw and who reigns now", () => {
  expect(incidentRow("SIGKILL", one)).toEqual([
    "SIGKILL",
    "812 ms",
    "shop-0 -> shop-1",
    "1 -> 2",
    "rewound, 4.3 s after the fault",
  ]);
});

test("how it came back", () => {
  expect(comebackText({ comeback: { how: "kept" } })).toBe("with all its data");
  expect(comebackText({ comeback: { how: "clone" } })).toBe("cloned anew");
  expect(comebackText({ comeback: { how: "clone", gtids: "a:7" } })).toBe(
    "cloned anew (never acknowledged: a:7)",
  );
});

test("the next steps show the cluster as it is", () => {
  expect(nextSteps("NAME\nshop\n")).toContain("    shop");
});
