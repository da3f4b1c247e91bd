import { expect, test } from "vitest";
import { machine, random, row } from "./result";

test("a row holds what was measured, and nothing gives no row", () => {
  expect(row("mysqld-sigkill", "ms", [900, 800.00049])).toEqual([
    { row: "mysqld-sigkill", unit: "ms", n: 2, p50: 800, p95: 900, p99: 900, max: 900 },
  ]);
  expect(row("node-lost", "ms", [])).toEqual([]);
});

test("the machine's description is one line", () => {
  expect(machine()).toMatch(/^\d+ x .+, \d+ GiB, Linux \S+, Node v\d+\.\d+\.\d+$/);
});

test("the same seed gives the same choices, another gives others", () => {
  const draw = (seed: number) => Array.from({ length: 5 }, random(seed));
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  for (const value of draw(7)) expect(value >= 0 && value < 1).toBe(true);
});
