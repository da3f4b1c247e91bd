/**
 * `make failover N=20`: N times SIGKILL to the primary's mysqld under 8 writers; out/failover-sigkill.json.
 * FAULT=pod-deleted or node-lost strikes otherwise; out/failover-<fault>.json.
 */
import { awaitHealthy, type ClusterRef } from "./cluster";
import { applyExample } from "./fleet";
import { FAULTS, incident, reignOf, type Incident } from "./incident";
import { install } from "./install";
import { random, row, writeResult } from "./result";
import { choice, setting } from "./setting";
import { done, fail, LOOK, note, seconds, step, table } from "./terminal";
import { isGood, verdict, verdictText } from "./verdict";
import { sleep } from "./waits";
import { Writers } from "./writers";

const FAULT = choice("FAULT", "mysqld-sigkill", FAULTS);
const CLUSTER: ClusterRef = { namespace: "default", name: "shop" };
/** Between two faults, beyond health: at most this, by the seed, so that no timer of ours beats in step. */
const PAUSE_MS = 3000;

async function main(): Promise<void> {
  const runs = setting("N", 20);
  const seed = setting("SEED", Date.now() % 100_000);
  console.log(`seed ${seed}`);
  await install(step);
  await applyExample(CLUSTER.namespace);
  await step("cluster shop whole", () => awaitHealthy(CLUSTER, { deadlineMs: 180_000 }));
  const writers = await Writers.start(CLUSTER, { maxMs: 4 * 3600_000 });
  const incidents: Incident[] = [];
  let falseFailovers = 0;
  try {
    const draw = random(seed);
    let term = reignOf(await awaitHealthy(CLUSTER, { deadlineMs: 60_000 })).term;
    for (let i = 1; i <= runs; i++) {
      await sleep(draw() * PAUSE_MS);
      const one = await incident(CLUSTER, writers, FAULTS[FAULT]);
      incidents.push(one);
      falseFailovers += one.before.term - term + one.furtherElections;
      term = one.after.term + one.furtherElections;
      tell(i, runs, one);
    }
  } finally {
    const met = await writers.stop();
    note(
      `clients: ${met.acknowledged} acknowledged, ${met.unknown} unknown, errors ${JSON.stringify(met.errors)}`,
    );
  }
  await report({ seed, writers, incidents, falseFailovers });
}

function tell(i: number, runs: number, { outage, before, after, comeback, wholeAfterMs }: Incident): void {
  const silence = outage ? `${String(outage.ms).padStart(5)} ms` : "NO OK AGAIN";
  const count = `${String(i).padStart(String(runs).length)}/${runs}`;
  note(
    `${count}  ${silence}  ${before.primary} -> ${after.primary}  ${comeback.how}, whole after ${seconds(wholeAfterMs)}`,
  );
}

interface Report {
  readonly seed: number;
  readonly writers: Writers;
  readonly incidents: readonly Incident[];
  readonly falseFailovers: number;
}

async function report({ seed, writers, incidents, falseFailovers }: Report): Promise<void> {
  const judged = await verdict(CLUSTER, [{ run: writers.run, entries: writers.entries() }]);
  const rows = [
    ...row(
      FAULT,
      "ms",
      incidents.flatMap(({ outage }) => (outage ? [outage.ms] : [])),
    ),
    ...row(
      `${FAULT}, each writer`,
      "ms",
      incidents.flatMap(({ perWriter }) => perWriter),
    ),
    ...row(
      "whole again",
      "ms",
      incidents.map(({ wholeAfterMs }) => wholeAfterMs),
    ),
  ];
  const path = writeResult({
    name: FAULT === "mysqld-sigkill" ? "failover-sigkill" : `failover-${FAULT}`,
    seed,
    rows,
    lost: judged.lost.length,
    divergent: judged.divergent.length,
    falseFailovers,
    faults: incidents.length,
  });
  const cells = rows.map((one) => [one.row, ...[one.n, one.p50, one.p95, one.p99, one.max].map(String)]);
  for (const line of table(["ms", "n", "p50", "p95", "p99", "max"], cells, [1, 2, 3, 4, 5])) note(line);
  if (!isGood(judged)) throw new Error(verdictText(judged));
  if (incidents.some(({ outage }) => !outage)) throw new Error("after a fault no client could write again");
  done(verdictText(judged));
  done(`further elections: ${falseFailovers}; figures: ${path}`);
  writers.forget();
}

main().catch((cause: unknown) => fail(cause, LOOK));
