/**
 * `npm run sim -- --seed N` replays one schedule with its story; `npm run sim -- --schedules N [--from N]` runs many.
 * The seed is printed first: whatever fails can be seen again.
 */
import { runSchedule, shrink, transcript } from "./schedule";

function numberOf(name: string): number | undefined {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : Number(process.argv[at + 1]);
}

function show(seed: number, lines: number): boolean {
  const verdict = runSchedule(seed);
  if (verdict.failure === undefined) {
    console.log(transcript(verdict, {}, lines));
    console.log(
      `seed ${seed}: holds; ${verdict.acknowledged} acknowledged, ${verdict.terms} terms, at rest after ${verdict.restMs} ms`,
    );
    return true;
  }
  const least = shrink(verdict);
  console.log(transcript(least, {}, lines));
  console.log(`seed ${seed}: ${least.failure}`);
  console.log(`faults: ${JSON.stringify(least.faults)}`);
  return false;
}

function many(from: number, count: number): boolean {
  console.log(`seeds ${from} to ${from + count - 1}`);
  const failures = new Map<string, number[]>();
  let [acknowledged, terms, checks] = [0, 0, 0];
  const rests: number[] = [];
  const start = Date.now();
  for (let seed = from; seed < from + count; seed++) {
    const verdict = runSchedule(seed);
    acknowledged += verdict.acknowledged;
    terms += verdict.terms;
    checks += verdict.checks;
    rests.push(verdict.restMs);
    if (verdict.failure === undefined) continue;
    console.log(`seed ${seed}: ${verdict.failure}`);
    const kind = verdict.failure.slice(0, 12);
    failures.set(kind, [...(failures.get(kind) ?? []), seed]);
    if ([...failures.values()].flat().length >= 40) break;
  }
  rests.sort((a, b) => a - b);
  const p = (q: number): string => (rests[Math.floor(rests.length * q)] ?? 0).toFixed(0);
  console.log(
    `${rests.length} schedules in ${((Date.now() - start) / 1000).toFixed(1)} s; ${acknowledged} acknowledged, ${terms} terms, ${checks} checks`,
  );
  console.log(`healing to rest, ms: p50 ${p(0.5)}, p99 ${p(0.99)}, max ${p(0.9999)}`);
  for (const [kind, seeds] of failures)
    console.log(`${kind}: ${seeds.length} (${seeds.slice(0, 10).join(", ")})`);
  return failures.size === 0;
}

const seed = numberOf("seed");
const held =
  seed === undefined
    ? many(numberOf("from") ?? Math.floor(Date.now() / 1000) % 1_000_000_000, numberOf("schedules") ?? 1_000)
    : show(seed, numberOf("lines") ?? 150);
process.exitCode = held ? 0 : 1;
