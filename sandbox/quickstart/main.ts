/**
 * `make quickstart`: from nothing to a primary that fails over by itself, on this machine. Everything is done only
 * where it is not done yet, so a second run is quick. Figures go to out/quickstart.json.
 */
import { applyExample, EXAMPLE } from "../../bench/fleet";
import { awaitHealthy, readCluster, type ClusterRef } from "../../bench/cluster";
import { FAULTS, incident, type FaultName, type Incident } from "../../bench/incident";
import { install } from "../../bench/install";
import { teller } from "../../bench/progress";
import { row, writeResult } from "../../bench/result";
import { bold, dim, done, fail, LOOK, note, step, table } from "../../bench/terminal";
import { isGood, verdict, verdictText } from "../../bench/verdict";
import { primaryOf } from "../../bench/view";
import { Writers } from "../../bench/writers";
import { kubectl } from "../kube";
import { requirePrivileges } from "../apt";
import { comebackText, HEAD, incidentRow, nextSteps } from "./text";

const CLUSTER: ClusterRef = { namespace: "default", name: "shop" };
/** Images are on the nodes: what is left is mysqld's own initialisation. */
const READY_MS = 180_000;

const TITLES: Record<FaultName, string> = {
  "mysqld-sigkill": "SIGKILL to the primary's mysqld",
  "pod-deleted": "the primary's pod deleted",
  "node-lost": "the primary's node off the network",
};

async function main(): Promise<void> {
  requirePrivileges();
  console.log(bold("\nPorpoise quickstart\n"));
  await install(step);
  await bringUp();
  const writers = await step("8 clients commit through Service shop-primary", () => Writers.start(CLUSTER));
  const incidents: [FaultName, Incident][] = [];
  try {
    console.log();
    for (const fault of Object.keys(FAULTS) as FaultName[])
      incidents.push([fault, await strike(fault, writers)]);
  } finally {
    await writers.stop();
  }
  console.log(
    `\n${table(
      HEAD,
      incidents.map(([name, one]) => incidentRow(TITLES[name], one)),
      [1],
    )
      .map((line) => `    ${line}`)
      .join("\n")}\n`,
  );
  await judge(writers, incidents);
}

async function bringUp(): Promise<void> {
  const existed = (await readCluster(CLUSTER).catch(() => undefined)) !== undefined;
  const from = Date.now();
  await applyExample(CLUSTER.namespace);
  done(existed ? "cluster shop is there already" : `kubectl apply -f ${EXAMPLE}`);
  const tell = teller((line) => note(dim(line)));
  const view = await awaitHealthy(CLUSTER, { deadlineMs: READY_MS, onView: tell });
  const { name, term } = primaryOf(view) ?? {};
  done(`cluster shop is Ready: primary ${name}, term ${term}`, Date.now() - from);
}

async function strike(name: FaultName, writers: Writers): Promise<Incident> {
  const one = await incident(CLUSTER, writers, FAULTS[name]);
  if (!one.outage) throw new Error(`${TITLES[name]}: no client wrote before, or none after it`);
  done(
    `${TITLES[name]}: ${one.before.primary} -> ${one.after.primary}, ${comebackText(one)}`,
    one.wholeAfterMs,
  );
  return one;
}

async function judge(writers: Writers, incidents: readonly [FaultName, Incident][]): Promise<void> {
  const entries = writers.entries();
  const judged = await verdict(CLUSTER, [{ run: writers.run, entries }]);
  const path = writeResult({
    name: "quickstart",
    seed: null,
    rows: incidents.flatMap(([name, one]) => row(name, "ms", one.outage ? [one.outage.ms] : [])),
    lost: judged.lost.length,
    divergent: judged.divergent.length,
    falseFailovers: incidents.reduce((sum, [, one]) => sum + one.furtherElections, 0),
    faults: incidents.length,
  });
  if (!isGood(judged)) throw new Error(`${verdictText(judged)} (the clients' log: ${writers.log})`);
  writers.forget();
  done(verdictText(judged));
  done(`figures: ${path}`);
  const columns = await kubectl(["-n", CLUSTER.namespace, "get", "mysqlcluster", CLUSTER.name]);
  for (const line of nextSteps(columns)) console.log(line);
}

main().catch((cause: unknown) => fail(cause, LOOK));
