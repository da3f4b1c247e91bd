/**
 * `make quiet MINUTES=30`: nothing happens to the cluster; nothing must happen in it. Counts changes of the term
 * and measures what an idle cluster uses. out/quiet.json.
 */
import { awaitHealthy, readMembers, type ClusterRef } from "./cluster";
import { applyExample } from "./fleet";
import { reignOf } from "./incident";
import { install } from "./install";
import { row, writeResult, type Row } from "./result";
import { setting } from "./setting";
import { done, fail, LOOK, note, step, table } from "./terminal";
import { cpuPercent, podUsage, PROCESSES, type ProcessKind, type Usage } from "./usage";
import type { PodView } from "./view";
import { sleep } from "./waits";

const CLUSTER: ClusterRef = { namespace: "default", name: "shop" };
const SAMPLE_MS = 10_000;
const MIB = 1024 ** 2;

type Sample = Map<string, Partial<Record<ProcessKind, Usage>>>;

async function main(): Promise<void> {
  const minutes = setting("MINUTES", 30);
  await install(step);
  await applyExample(CLUSTER.namespace);
  const start = await step("cluster shop whole", () => awaitHealthy(CLUSTER, { deadlineMs: 180_000 }));
  const series = await watch(start.pods, reignOf(start).term, minutes * 60_000);
  const end = await awaitHealthy(CLUSTER, { deadlineMs: 60_000 });
  const falseFailovers = reignOf(end).term - reignOf(start).term;
  const rows = figures(series);
  const cells = rows.map((one) => [
    one.row,
    one.unit,
    ...[one.n, one.p50, one.p95, one.max].map((x) => x.toFixed(1)),
  ]);
  for (const line of table(["per pod", "unit", "n", "p50", "p95", "max"], cells, [2, 3, 4, 5])) note(line);
  const path = writeResult({
    name: "quiet",
    seed: null,
    rows,
    lost: 0,
    divergent: 0,
    falseFailovers,
    faults: 0,
  });
  done(`${falseFailovers} changes of the term in ${minutes} quiet minutes; figures: ${path}`);
  if (falseFailovers > 0)
    throw new Error(`${falseFailovers} elections in a quiet cluster: see the agents' logs`);
}

/** Samples until the time is over; says at once when the term changes. */
async function watch(pods: readonly PodView[], firstTerm: number, forMs: number): Promise<Sample[]> {
  const end = Date.now() + forMs;
  const series: Sample[] = [await sample(pods)];
  let term = firstTerm;
  while (Date.now() < end) {
    await sleep(Math.min(SAMPLE_MS, end - Date.now()));
    series.push(await sample(pods));
    const now = Math.max(term, ...[...(await readMembers(pods)).values()].map((member) => member.term));
    if (now > term) note(`${new Date().toISOString()}  term ${term} -> ${now}`);
    term = now;
  }
  return series;
}

async function sample(pods: readonly PodView[]): Promise<Sample> {
  const readings = pods.map(
    async ({ name }) => [name, await podUsage(`${CLUSTER.namespace}/${name}`)] as const,
  );
  return new Map(await Promise.all(readings));
}

/** Per pod and sample: memory, and CPU since the sample before; and the CPU of all three pods together. */
function figures(series: readonly Sample[]): Row[] {
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const together = series
    .slice(1)
    .map((_, i) => sum(PROCESSES.flatMap((kind) => shares(series.slice(i, i + 2), kind))));
  return [...row("whole cluster CPU", "% of a core", together), ...perPod(series)];
}

function perPod(series: readonly Sample[]): Row[] {
  return PROCESSES.flatMap((kind) => {
    const memory = series.flatMap((one) => [...one.values()].flatMap((usage) => usage[kind]?.rssBytes ?? []));
    return [
      ...row(
        `${kind} memory`,
        "MiB",
        memory.map((bytes) => bytes / MIB),
      ),
      ...row(`${kind} CPU`, "% of a core", shares(series, kind)),
    ];
  });
}

function shares(series: readonly Sample[], kind: ProcessKind): number[] {
  return series.slice(1).flatMap((sampleNow, i) =>
    [...sampleNow].flatMap(([pod, usage]) => {
      const before = series[i]?.get(pod)?.[kind];
      return cpuPercent(before, usage[kind], SAMPLE_MS) ?? [];
    }),
  );
}

main().catch((cause: unknown) => fail(cause, LOOK));
