/**
 * `make sim` runs many schedules, in two processes: --schedules N [--from N] [--workers N]. `--seed N` replays one and
 * tells its story. Whatever fails is printed with its seed, shrunk, and can be seen again.
 */
import { runMany } from "./crew";
import { runSchedule, shrink, transcript } from "./schedule";
import { summary } from "./tally";

function numberOf(name: string): number | undefined {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : Number(process.argv[at + 1]);
}

function show(seed: number, lines: number): boolean {
  const verdict = runSchedule(seed);
  const least = verdict.failure === undefined ? verdict : shrink(verdict);
  console.log(transcript(least, {}, lines));
  if (least.failure === undefined) {
    const { acknowledged, terms, restMs } = verdict;
    console.log(
      `seed ${seed}: holds; ${acknowledged} acknowledged, ${terms} terms, at rest after ${restMs} ms`,
    );
    return true;
  }
  console.log(`seed ${seed}: ${least.failure}`);
  console.log(`left of ${verdict.faults.length} faults: ${JSON.stringify(least.faults)}`);
  return false;
}

async function many(from: number, count: number): Promise<boolean> {
  const workers = numberOf("workers") ?? 2;
  console.log(`seeds ${from} to ${from + count - 1} in ${workers} processes`);
  const { tally, seconds } = await runMany({ from, count, workers, say: (line) => console.log(line) });
  const [first] = tally.failures;
  if (first !== undefined) show(first.seed, 60);
  for (const line of summary(tally, seconds)) console.log(line);
  const { schedules, failures } = tally;
  console.log(
    `simulation: ${schedules - failures.length} of ${schedules} schedules hold, ${failures.length} fail`,
  );
  return failures.length === 0 && schedules === count;
}

async function main(): Promise<boolean> {
  const seed = numberOf("seed");
  if (seed !== undefined) return show(seed, numberOf("lines") ?? 150);
  return many(
    numberOf("from") ?? Math.floor(Date.now() / 1000) % 1_000_000_000,
    numberOf("schedules") ?? 1_000,
  );
}

main().then(
  (held) => (process.exitCode = held ? 0 : 1),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
