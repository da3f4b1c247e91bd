/** The incidents of a run, one after the other, cluster after cluster; and what they leave to be read. */
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { KEYS, TABLES } from "./clients";
import { Cluster, type Ground } from "./cluster";
import { waitFor } from "./command";
import { Unfinished, runIncident, type Incident } from "./incident";
import { LOAD_TABLES } from "./loads";
import type { Member } from "./member";
import type { IncidentPlan } from "./plan";
import { finish, headLine, incidentLine, record } from "./report";
import { nameOf, type Run, type Runs } from "./runs";
import { story } from "./story";
import type { Acknowledged } from "./verdict";

const OUT = join(__dirname, "..", "..", "out");
/** Ids of this many incidents back must still be there. */
const REMEMBERED = 5;
/** After so many incidents old binary logs and kept tails are removed, when everybody has everything. */
const CLEAN_EVERY = 10;
/** One that is not back by then is broken, not slow: a clone on a busy machine takes half a minute. */
const WHOLE_MS = 120_000;

/** Runs all; false when an incident ended badly. */
export async function runAll(
  ground: Ground,
  { name, seed, runs, ...sizes }: Runs,
  checker: string,
): Promise<boolean> {
  const incidents: Incident[] = [];
  const total = runs.reduce((sum, run) => sum + run.incidents.length, 0);
  console.log(headLine(seed, total));
  const failure = join(OUT, `${name}-failure`);
  rmSync(failure, { recursive: true, force: true });
  mkdirSync(OUT, { recursive: true });
  const records = join(OUT, `${name}.jsonl`);
  writeFileSync(records, "");
  for (const [number, run] of runs.entries()) {
    const cluster = await Cluster.create(ground, number, run.shape);
    try {
      await cluster.start().catch(async (cause: unknown) => {
        await keep(cluster, { plan: run.incidents[0], wrong: [String(cause)], to: failure });
        throw cause;
      });
      const done = await runOne(cluster, run, {
        ...sizes,
        checker,
        before: incidents.length,
        failure,
        records,
      });
      incidents.push(...done.incidents);
      if (!done.good) {
        finish({ name, seed, incidents, total });
        return false;
      }
    } finally {
      await cluster.close();
    }
  }
  finish({ name, seed, incidents, total });
  return true;
}

interface RunSizes {
  readonly largeMegabytes: number;
  readonly idleConnections: number;
  readonly checker: string;
  /** Incidents of earlier clusters. */
  readonly before: number;
  /** Where a bad incident's traces go. */
  readonly failure: string;
  /** File of one line an incident. */
  readonly records: string;
}

async function runOne(
  cluster: Cluster,
  { incidents: plans, shape }: Run,
  { before, failure, records, ...sizes }: RunSizes,
): Promise<{ good: boolean; incidents: Incident[] }> {
  await prepare(cluster);
  const incidents: Incident[] = [];
  let earlier: Acknowledged[] = [];
  for (const plan of plans) {
    const options = { ...sizes, wholeMs: WHOLE_MS, pictures: cluster.directory, earlier };
    try {
      const incident = await runIncident(cluster, plan, options);
      incidents.push(incident);
      console.log(incidentLine(incident, before + incidents.length, nameOf(shape)));
      appendFileSync(records, record(incident, before + incidents.length, nameOf(shape)));
      if (process.env["KEEP"])
        await keep(cluster, { plan, wrong: [], to: join(OUT, "faults-kept", String(plan.number)) });
      if (incident.wrong.length > 0) {
        await keep(cluster, { plan, wrong: incident.wrong, to: failure });
        return { good: false, incidents };
      }
      earlier = [...earlier, ...incident.acknowledged].filter(
        ({ incident: n }) => n > plan.number - REMEMBERED,
      );
      await tidy(cluster, plan.number);
    } catch (cause) {
      const text = cause instanceof Unfinished ? cause.message : String((cause as Error).stack ?? cause);
      console.log(`${before + incidents.length + 1} ${nameOf(shape)} FAILED: ${text}`);
      await keep(cluster, { plan, wrong: [text], to: failure });
      return { good: false, incidents };
    }
  }
  return { good: true, incidents };
}

async function prepare(cluster: Cluster): Promise<void> {
  await cluster.onPrimary(async (primary) => {
    // The application's account and database are made after the first opening.
    const hasAccount = async (): Promise<boolean> =>
      (await primary.sql("SHOW DATABASES LIKE 'app'")).length > 0;
    await waitFor("the application's database", hasAccount, { limitMs: 20_000 });
    for (const statement of [...TABLES, ...LOAD_TABLES]) await primary.sql(statement);
  });
}

/** Bounded: rows, logs and tails of long ago are nobody's concern any more. */
async function tidy(cluster: Cluster, number: number): Promise<void> {
  const oldest = number - REMEMBERED + 1;
  const statements = [
    `DELETE FROM app.ids WHERE incident < ${oldest}`,
    `DELETE FROM app.registers WHERE k < ${oldest * KEYS}`,
    `DELETE FROM app.lists WHERE k < ${oldest * KEYS}`,
    `DELETE FROM app.loads WHERE incident <= ${number}`,
  ];
  await cluster.onPrimary(async (primary) => {
    for (const statement of statements) await primary.sql(statement);
  });
  for (const member of cluster.members) member.rotateLog();
  if (number % CLEAN_EVERY !== 0) return;
  for (const member of cluster.data) {
    await member.sql("FLUSH BINARY LOGS");
    const logs = (await member.sql("SHOW BINARY LOGS")).map((row) => String(row["Log_name"]));
    // The last but one stays: a replica may be reading the end of it.
    await member.sql(`PURGE BINARY LOGS TO '${logs.at(-2) ?? logs.at(-1)}'`);
    rmSync(join(member.data, "discarded"), { recursive: true, force: true });
  }
}

const readText = (file: string): string => (existsSync(file) ? readFileSync(file, "utf8") : "");

/** Everything that is needed to understand what happened. */
async function keep(
  cluster: Cluster,
  { plan, wrong, to }: { plan: IncidentPlan | undefined; wrong: readonly string[]; to: string },
): Promise<void> {
  mkdirSync(to, { recursive: true });
  const put = (name: string, content: unknown): void =>
    writeFileSync(join(to, name), typeof content === "string" ? content : JSON.stringify(content, null, 2));
  put("incident.json", { cluster: nameOf(cluster.shape), plan, wrong });
  put("statuses.json", await cluster.statuses());
  put("events.jsonl", cluster.events().slice(-200).join("\n"));
  for (const name of readdirSync(cluster.directory).filter((each) => /\.(html|jsonl)$/.test(each)))
    copyFileSync(join(cluster.directory, name), join(to, name));
  const logs = cluster.members.map(
    ({ name, log }) => [name, readText(`${log}.before`) + readText(log)] as const,
  );
  put("story.txt", story(Object.fromEntries(logs)));
  for (const member of cluster.members) await keepMember(member, to, wrong.length > 0);
  if (wrong.length > 0) console.log(`kept in ${to}: story.txt, logs, states, binary logs, answers of SQL`);
}

const QUESTIONS = [
  "SELECT @@global.gtid_executed executed, @@global.gtid_purged purged, @@server_uuid uuid",
  "SHOW REPLICA STATUS",
  "SHOW BINARY LOGS",
  "XA RECOVER",
  "SHOW FULL PROCESSLIST",
  "SELECT * FROM performance_schema.replication_applier_status_by_worker",
];
const BINARY_LOG_MAX = 20_000_000;

async function keepMember(member: Member, to: string, whole: boolean): Promise<void> {
  const copy = (file: string, name: string): void => {
    if (existsSync(file) && statSync(file).size <= BINARY_LOG_MAX)
      copyFileSync(file, join(to, `${member.name}.${name}`));
  };
  for (const suffix of ["", ".before"]) copy(member.log + suffix, `log${suffix}`);
  copy(join(member.data, "agent/state.json"), "state.json");
  if (!whole || member.witness) return;
  const answers: Record<string, unknown> = {};
  for (const question of QUESTIONS) answers[question] = await member.sql(question, 2_000).catch(String);
  writeFileSync(join(to, `${member.name}.sql.json`), JSON.stringify(answers, null, 2));
  const datadir = join(member.data, "mysql");
  const names = existsSync(datadir) ? readdirSync(datadir) : [];
  for (const name of names.filter((each) => /^(binlog|relay)\.\d+$/.test(each)))
    copy(join(datadir, name), name);
}
