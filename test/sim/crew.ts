/** Many schedules in several processes. The bundle is made first: the loader's wrappers would cost half of the rate. */
import { fork, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { add, emptyTally, type Tally } from "./tally";
import type { Range } from "./worker";

const ROOT = join(__dirname, "..", "..");
const CHUNK = 250;
const PROGRESS_MS = 15_000;
/** More failures than that say nothing new. */
const FAILURES_MAX = 40;

export interface Run extends Range {
  readonly workers: number;
  readonly say: (line: string) => void;
}

export async function runMany({
  from,
  count,
  workers,
  say,
}: Run): Promise<{ tally: Tally; seconds: number }> {
  const script = join(ROOT, "out", "sim", "worker.cjs");
  buildSync({ entryPoints: [join(__dirname, "worker.ts")], bundle: true, platform: "node", outfile: script });
  const started = Date.now();
  const tally = emptyTally();
  const seconds = (): number => (Date.now() - started) / 1000;
  let next = from;
  const take = (): Range | undefined => {
    if (next >= from + count || tally.failures.length >= FAILURES_MAX) return undefined;
    const range = { from: next, count: Math.min(CHUNK, from + count - next) };
    next += range.count;
    return range;
  };
  const done = (part: Tally): void => {
    for (const { seed, failure } of part.failures) say(`seed ${seed}: ${failure}`);
    add(tally, part);
  };
  const progress = setInterval(() => {
    const { schedules, acknowledged, failures } = tally;
    const rate = (schedules / seconds()).toFixed(0);
    say(
      `${schedules} of ${count} schedules, ${rate} a second, ${acknowledged} commits, ${failures.length} failed`,
    );
  }, PROGRESS_MS);
  try {
    await Promise.all(
      Array.from({ length: workers }, () => work(fork(script, [], { execArgv: [] }), take, done)),
    );
  } finally {
    clearInterval(progress);
  }
  return { tally, seconds: seconds() };
}

/** Feeds one process until there is nothing left. @throws Error when it ends before. */
function work(
  child: ChildProcess,
  take: () => Range | undefined,
  done: (part: Tally) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const feed = (): void => {
      const range = take();
      if (range !== undefined) return void child.send(range);
      child.removeAllListeners("exit");
      child.disconnect();
      resolve();
    };
    child.on("message", (part) => {
      done(part as Tally);
      feed();
    });
    child.on("exit", (code, signal) =>
      reject(new Error(`a process of the simulation ended: ${code ?? signal}`)),
    );
    child.on("error", reject);
    feed();
  });
}
