/**
 * `make bench-failover`: every fault on Porpoise and, in the same run and taking turns, on Group Replication.
 * N=100 incidents per row, PEER_N of each peer (default N), ROWS=a,b (default all), PEERS=none|tuned|default|all,
 * RESUME=1 goes on where a former run stopped, MINUTES=n stops after that time, KEEP=1 leaves the clusters,
 * INSTALL=0 measures what is installed, not this checkout.
 * Raw: out/failover-raw.jsonl; then out/failover.json and docs/figures/failover*.
 */
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Group } from "../group/group";
import { Peer } from "../group/peer";
import { install } from "../install";
import { commit, random, writeResult } from "../result";
import { setting } from "../setting";
import { done, fail, LOOK, note, seconds, step, table } from "../terminal";
import { sentence } from "../waits";
import { OUT } from "../writers";
import { Crew } from "./crew";
import { Porpoise } from "./porpoise";
import { RawFile, type Raw } from "./raw";
import { csv, pictures, rowsOf, totalsOf } from "./report";
import {
  chosenRows,
  chosenSubjects,
  nextRound,
  pairKey,
  type Pair,
  type SubjectName,
  type Targets,
} from "./rows";
import { Unexplained, type Reign, type Subject } from "./subject";
import { trial } from "./trial";

const FIGURES = join(__dirname, "..", "..", "docs", "figures");
/** A row that fails so often in a row is given up for this run: what it shows is a fault, not a figure. */
const FAILURES_MAX = 5;

interface Fleet {
  readonly subjects: ReadonlyMap<SubjectName, Subject>;
  readonly crewOf: (subject: Subject) => Crew;
  readonly end: (keep: boolean) => Promise<void>;
}

async function main(): Promise<void> {
  const rows = chosenRows(process.env["ROWS"] ?? "");
  const subjects = chosenSubjects(process.env["PEERS"] ?? "");
  const n = setting("N", 100);
  const peers = setting("PEER_N", n);
  const targets: Targets = Object.fromEntries(
    subjects.map((name) => [name, name === "porpoise" ? n : peers]),
  );
  const raws = new RawFile(join(OUT, "failover-raw.jsonl"), { resume: process.env["RESUME"] === "1" });
  const seed = setting("SEED", Date.now() % 100_000);
  console.log(`seed ${seed}`);
  if (process.env["INSTALL"] !== "0") await install(step);
  const fleet = await makeFleet(subjects);
  const stop = { at: Date.now() + setting("MINUTES", 24 * 60) * 60_000 };
  // The incident under way is finished, the figures are written; a second signal ends it at once.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => (stop.at = 0));
  try {
    await measure({ fleet, raws, rows, targets, draw: random(seed), stop, commit: commit() });
  } finally {
    await fleet.end(process.env["KEEP"] === "1");
    publish(raws.all(), seed);
  }
}

async function makeFleet(names: readonly SubjectName[]): Promise<Fleet> {
  const porpoise = await step("Porpoise: cluster shop in quorum", () => Porpoise.start());
  const peers = names.filter((name) => name !== "porpoise");
  const group =
    peers.length === 0
      ? undefined
      : await step("Group Replication: three members ONLINE", () => Group.make());
  const own = group ? peers.map((name) => new Peer(name, group)) : [];
  const ourCrew = new Crew(porpoise.target);
  const theirCrew = own[0] && new Crew(own[0].target);
  return {
    subjects: new Map<SubjectName, Subject>([
      [porpoise.name, porpoise],
      ...own.map((peer) => [peer.name, peer] as const),
    ]),
    crewOf: (subject) => (subject === porpoise || !theirCrew ? ourCrew : theirCrew),
    async end(keep) {
      await Promise.all([ourCrew.end(), theirCrew?.end()]);
      for (const peer of own) peer.close();
      if (keep) porpoise.close();
      else await step("clusters removed", () => Promise.all([porpoise.remove(), group?.remove()]));
      if (keep) group?.close();
    },
  };
}

interface Plan {
  readonly fleet: Fleet;
  readonly raws: RawFile;
  readonly rows: ReturnType<typeof chosenRows>;
  readonly targets: Targets;
  readonly draw: () => number;
  readonly stop: { readonly at: number };
  readonly commit: string;
}

async function measure(plan: Plan): Promise<void> {
  const { raws, rows, targets, stop } = plan;
  const reigns = new Map<SubjectName, Reign>();
  const givenUp = new Set<string>();
  const isGivenUp = (pair: Pair): boolean => givenUp.has(pairKey(pair)) || givenUp.has(pair.subject);
  for (;;) {
    const round = nextRound(rows, targets, (pair) => (isGivenUp(pair) ? Infinity : raws.count(pair)));
    if (round.length === 0) return;
    for (const pair of round) {
      if (Date.now() > stop.at) return note("stopped before all were measured; RESUME=1 goes on");
      if (isGivenUp(pair) || (await one(plan, pair, reigns))) continue;
      if (raws.failuresInARow(pair) >= FAILURES_MAX) givenUp.add(pairKey(pair));
      const mended = await repair(plan, pair);
      if (!mended) givenUp.add(pair.subject);
    }
  }
}

/** False: it cannot be brought back to three members in quorum, so that this run goes on without it. */
async function repair({ fleet }: Plan, { subject }: Pair): Promise<boolean> {
  try {
    await fleet.subjects.get(subject)?.repair();
    return true;
  } catch (cause) {
    note(`${subject} is given up for this run: ${sentence(cause)}`);
    return false;
  }
}

/** One trial, noted; false when it failed. */
async function one(plan: Plan, pair: Pair, reigns: Map<SubjectName, Reign>): Promise<boolean> {
  const { fleet, raws, draw, targets } = plan;
  const subject = fleet.subjects.get(pair.subject);
  if (!subject) throw new Error(`no subject ${pair.subject}`);
  const began = Date.now();
  try {
    const options = { row: pair.row, subject, crew: fleet.crewOf(subject), draw, commit: plan.commit };
    const { raw, before, after } = await trial(options);
    // Elections between two trials have no fault to explain them, either. A group has no count of its own.
    const between =
      subject.name === "porpoise" ? before.term - (reigns.get(subject.name)?.term ?? before.term) : 0;
    reigns.set(subject.name, after);
    raws.add({ ...raw, falseFailovers: raw.falseFailovers + between });
    tell(raws, pair, raw, targets);
    return true;
  } catch (cause) {
    reigns.delete(subject.name);
    const unexplained = cause instanceof Unexplained ? 1 : 0;
    const none = { acknowledged: 0, lost: 0, divergent: 0, falseFailovers: unexplained };
    const at = new Date(began).toISOString();
    const failed = sentence(cause);
    raws.add({ ...pair, at, commit: plan.commit, cycleMs: Date.now() - began, ...none, failed });
    note(`${pairKey(pair)}: failed: ${failed}`);
    return false;
  }
}

function tell(raws: RawFile, pair: Pair, raw: Raw, targets: Targets): void {
  const count = `${raws.count(pair)}/${targets[pair.subject]}`;
  const bad = raw.lost + raw.divergent + raw.falseFailovers;
  const flaw =
    bad === 0 ? "" : `  LOST ${raw.lost} DIVERGENT ${raw.divergent} ELECTIONS ${raw.falseFailovers}`;
  const phases = Object.entries(raw.phasesMs ?? {}).map(([phase, ms]) => `${phase} ${Math.round(ms)}`);
  const back = raw.backMs === undefined ? "" : `back ${seconds(raw.backMs)}, `;
  note(
    `${pairKey(pair).padEnd(46)} ${count.padStart(7)} ${String(raw.outageMs).padStart(6)} ms  ${back}cycle ${seconds(raw.cycleMs)}  ${phases.join(" ")}${flaw}`,
  );
}

function publish(raws: readonly Raw[], seed: number): void {
  const rows = rowsOf(raws);
  const totals = totalsOf(raws);
  const path = writeResult({ name: "failover", seed, rows, ...totals });
  mkdirSync(FIGURES, { recursive: true });
  copyFileSync(join(OUT, "failover.json"), join(FIGURES, "failover.json"));
  writeFileSync(join(FIGURES, "failover.csv"), csv(raws));
  for (const [file, svg] of pictures(raws)) writeFileSync(join(FIGURES, file), svg);
  const cells = rows.map((one) => [one.row, ...[one.n, one.p50, one.p95, one.p99, one.max].map(String)]);
  for (const line of table(["ms", "n", "p50", "p95", "p99", "max"], cells, [1, 2, 3, 4, 5])) note(line);
  done(
    `${totals.faults} faults on Porpoise, ${totals.lost} rows lost, ${totals.falseFailovers} other elections; ${path}`,
  );
  if (totals.lost + totals.divergent > 0) throw new Error("acknowledged rows are missing, or members differ");
}

main()
  .catch((cause: unknown) => fail(cause, LOOK))
  .finally(() => process.exit());
