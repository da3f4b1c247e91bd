import { expect, test } from "vitest";
import { cpuPercent, parseUsage } from "./usage";

const STAT = "42 (a) b) S 1 42 42 0 -1 4194304 100 0 0 0 150 50 7 8 20 0 11 0 263649 28000000 30000 0";

test("CPU time and memory are read from /proc, whatever the process is called", () => {
  expect(parseUsage(42, STAT, "Name:\ta) b\nVmRSS:\t   2048 kB\nThreads:\t1\n")).toEqual({
    pid: 42,
    cpuMs: 2000,
    rssBytes: 2 * 1024 ** 2,
  });
});

test("a share needs the same process twice", () => {
  const at = (pid: number, cpuMs: number) => ({ pid, cpuMs, rssBytes: 1 });
  expect(cpuPercent(at(1, 100), at(1, 400), 10_000)).toBe(3);
  expect(cpuPercent(at(1, 100), at(2, 400), 10_000)).toBeUndefined();
  expect(cpuPercent(undefined, at(2, 400), 10_000)).toBeUndefined();
});
