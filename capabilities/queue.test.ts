import { expect, test } from "vitest";
import { WorkQueue, type RunResult, type Timers } from "./queue";

/** Timers that run when the test says so. */
function fakeTimers(random = 0): Timers & { fire(): number[]; pending(): number[] } {
  let next = 0;
  const armed = new Map<number, { run: () => void; ms: number }>();
  return {
    set: (run, ms) => (armed.set(++next, { run, ms }), next),
    clear: (handle) => void armed.delete(handle as number),
    random: () => random,
    pending: () => [...armed.values()].map(({ ms }) => ms),
    fire() {
      const due = [...armed.values()];
      armed.clear();
      due.forEach(({ run }) => run());
      return due.map(({ ms }) => ms);
    },
  };
}

/** Lets every promise that can settle, settle. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

interface Run {
  readonly key: string;
  end(result?: RunResult): void;
  fail(error: unknown): void;
}

function queue(parallel: number, timers = fakeTimers()) {
  const runs: Run[] = [];
  const failures: [string, number][] = [];
  const subject = new WorkQueue(
    {
      run: (key) =>
        new Promise<RunResult | undefined>((resolve, reject) => {
          runs.push({ key, end: resolve, fail: reject });
        }),
      failed: (key, count) => failures.push([key, count]),
    },
    { parallel, baseMs: 1_000, maxMs: 5_000 },
    timers,
  );
  return { subject, runs, failures, timers };
}

test("20 adds while a key runs are one more run", async () => {
  const { subject, runs } = queue(4);
  for (let i = 0; i < 20; i++) subject.add("a");
  await settle();
  expect(runs).toHaveLength(1);
  runs[0]?.end();
  await settle();
  expect(runs).toHaveLength(2);
  runs[1]?.end();
  await settle();
  expect(runs).toHaveLength(2);
});

test("at most `parallel` keys run, in the order they came", async () => {
  const { subject, runs } = queue(2);
  ["a", "b", "c"].forEach((key) => subject.add(key));
  await settle();
  expect(runs.map(({ key }) => key)).toEqual(["a", "b"]);
  expect(subject.depth).toBe(1);
  runs[1]?.end();
  await settle();
  expect(runs.map(({ key }) => key)).toEqual(["a", "b", "c"]);
});

test("failures back off, doubled up to the limit, and a success forgets them", async () => {
  const { subject, runs, failures, timers } = queue(1);
  subject.add("a");
  const waits: number[] = [];
  for (let i = 0; i < 4; i++) {
    runs[i]?.fail(new Error("no"));
    await settle();
    waits.push(...timers.fire());
  }
  expect(waits).toEqual([500, 1_000, 2_000, 2_500]); // half of 1, 2, 4, 5 s: the jitter draws 0
  expect(failures).toEqual([
    ["a", 1],
    ["a", 2],
    ["a", 3],
    ["a", 4],
  ]);
  runs[4]?.end();
  await settle();
  subject.add("a");
  runs[5]?.fail(new Error("no"));
  await settle();
  expect(timers.pending()).toEqual([500]);
});

test("jitter draws up to the full wait", async () => {
  const { subject, runs, timers } = queue(1, fakeTimers(0.5));
  subject.add("a");
  runs[0]?.fail(new Error("no"));
  await settle();
  expect(timers.pending()).toEqual([750]);
});

test("a run may ask to come again; an add in between replaces the wait", async () => {
  const { subject, runs, timers } = queue(1);
  subject.add("a");
  runs[0]?.end({ requeueAfterMs: 2_000 });
  await settle();
  expect(timers.pending()).toEqual([2_000]);
  subject.add("a");
  expect(timers.pending()).toEqual([]);
  await settle();
  expect(runs).toHaveLength(2);
});

test("stopped, nothing starts any more", async () => {
  const { subject, runs } = queue(1);
  subject.add("a");
  subject.stop();
  subject.add("b");
  runs[0]?.end({ requeueAfterMs: 1 });
  await settle();
  expect(runs.map(({ key }) => key)).toEqual(["a"]);
});
