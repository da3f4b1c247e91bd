/** What many schedules came to. */
import type { FaultKind } from "./faults";
import type { Verdict } from "./schedule";

export interface Failure {
  readonly seed: number;
  readonly failure: string;
}

/** Rests are whole multiples of the simulation's look-around. */
const BUCKET_MS = 25;

/** Plain data: it travels between processes. */
export interface Tally {
  schedules: number;
  acknowledged: number;
  terms: number;
  checks: number;
  changes: number;
  recoveries: number;
  faults: Partial<Record<FaultKind, number>>;
  /** Number of schedules by the time from healing to rest, in 25 ms. */
  rests: Record<number, number>;
  failures: Failure[];
}

export const emptyTally = (): Tally => ({
  schedules: 0,
  acknowledged: 0,
  terms: 0,
  checks: 0,
  changes: 0,
  recoveries: 0,
  faults: {},
  rests: {},
  failures: [],
});

export function note(tally: Tally, verdict: Verdict): void {
  tally.schedules++;
  for (const key of ["acknowledged", "terms", "checks", "changes", "recoveries"] as const)
    tally[key] += verdict[key];
  for (const { kind } of verdict.faults) tally.faults[kind] = (tally.faults[kind] ?? 0) + 1;
  const bucket = Math.round(verdict.restMs / BUCKET_MS);
  tally.rests[bucket] = (tally.rests[bucket] ?? 0) + 1;
  if (verdict.failure !== undefined) tally.failures.push({ seed: verdict.seed, failure: verdict.failure });
}

export function add(to: Tally, more: Tally): void {
  for (const key of ["schedules", "acknowledged", "terms", "checks", "changes", "recoveries"] as const)
    to[key] += more[key];
  for (const [kind, count] of Object.entries(more.faults) as [FaultKind, number][])
    to.faults[kind] = (to.faults[kind] ?? 0) + count;
  for (const [bucket, count] of Object.entries(more.rests))
    to.rests[Number(bucket)] = (to.rests[Number(bucket)] ?? 0) + count;
  to.failures.push(...more.failures);
}

/** Lines for people: counts, rates, faults by kind, failures by kind. */
export function summary(tally: Tally, seconds: number): string[] {
  const { schedules, acknowledged, terms, checks, changes, recoveries, failures } = tally;
  const faults = Object.entries(tally.faults).sort(([, a], [, b]) => b - a);
  const all = faults.reduce((sum, [, count]) => sum + count, 0);
  return [
    `${n(schedules)} schedules in ${seconds.toFixed(0)} s, ${(schedules / Math.max(seconds, 0.001)).toFixed(0)} a second: ` +
      `${n(acknowledged)} commits acknowledged, ${n(terms)} terms won, ${n(changes)} configurations made, ` +
      `${n(recoveries)} recoveries, ${n(checks)} checks`,
    `${n(all)} faults: ${faults.map(([kind, count]) => `${kind} ${n(count)}`).join(", ")}`,
    `healing to rest, simulated ms: p50 ${rest(tally, 0.5)}, p99 ${rest(tally, 0.99)}, max ${rest(tally, 1)}`,
    ...[...byKind(failures)].map(
      ([kind, seeds]) => `${kind}: ${seeds.length} (seeds ${seeds.slice(0, 10).join(", ")})`,
    ),
  ];
}

function byKind(failures: readonly Failure[]): Map<string, number[]> {
  const kinds = new Map<string, number[]>();
  for (const { seed, failure } of failures) {
    const kind = failure.split(":", 1)[0] ?? "";
    kinds.set(kind, [...(kinds.get(kind) ?? []), seed]);
  }
  return kinds;
}

function rest({ rests, schedules }: Tally, quantile: number): number {
  let left = Math.ceil(schedules * quantile);
  const buckets = Object.keys(rests)
    .map(Number)
    .sort((a, b) => a - b);
  return BUCKET_MS * (buckets.find((bucket) => (left -= rests[bucket] ?? 0) <= 0) ?? 0);
}

const n = (count: number): string => count.toLocaleString("en-US");
