import { expect, test } from "vitest";
import { sumSamples } from "./exposition";
import { order, ratios, type Sample } from "./rounds";

const TEXT = `# HELP calls_total what
# TYPE calls_total counter
calls_total{verb="GET",path="/a,b"} 3
calls_total{verb="WATCH",path="x"} 100
calls_total{verb="PUT",path="a\\"b"} 2.5
calls_total_more{verb="GET"} 50
other 7
`;

test("a counter's samples are summed by their labels", () => {
  expect(sumSamples(TEXT, "calls_total", ({ verb }) => verb !== "WATCH")).toBe(5.5);
  expect(sumSamples(TEXT, "other", () => true)).toBe(7);
  expect(sumSamples(TEXT, "absent", () => true)).toBe(0);
});

test("in each round every contestant runs once with each number of writers, another first each time", () => {
  expect(order(["a", "b", "c"], [1, 8], 1)).toEqual([
    ["b", 1],
    ["c", 1],
    ["a", 1],
    ["b", 8],
    ["c", 8],
    ["a", 8],
  ]);
});

test("ratios compare within a round", () => {
  const sample = (who: string, round: number, perSecond: number): Sample => ({
    who,
    writers: 8,
    round,
    perSecond,
    p50: 1,
    p99: 2,
  });
  const samples = [
    sample("alone", 0, 100),
    sample("porpoise", 0, 80),
    sample("alone", 1, 50),
    sample("porpoise", 1, 45),
    sample("porpoise", 2, 9),
  ];
  expect(ratios(samples, "porpoise", "alone", 8)).toEqual([0.8, 0.9]);
});
