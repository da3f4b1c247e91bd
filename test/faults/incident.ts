/** One incident: clients, a fault or two, all undone, the cluster whole again, and the verdict. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { MemberStatus } from "../../api/agent";
import { random as seeded } from "../../bench/result";
import { Crowd, KEYS } from "./clients";
import type { Cluster } from "./cluster";
import { pause, waitFor } from "./command";
import { FAULTS, nothing, SPARE_THE_LEADER, type Undo } from "./faults";
import { checkHistory, type Judgement } from "./history";
import { LOADS, type Load } from "./loads";
import type { Member } from "./member";
import { fits, pick, type IncidentPlan, type Moment, type Stroke } from "./plan";
import { holdingsOf, judge, type Acknowledged } from "./verdict";
import { Watch } from "./watch";

export interface IncidentOptions {
  readonly checker: string;
  readonly largeMegabytes: number;
  readonly idleConnections: number;
  /** For the cluster to be whole again. */
  readonly wholeMs: number;
  /** Where the checker draws what is wrong. */
  readonly pictures: string;
  /** Of earlier incidents: their ids must still be there. */
  readonly earlier: readonly Acknowledged[];
}

export interface Incident {
  readonly plan: IncidentPlan;
  /** Whom the faults struck. */
  readonly victims: readonly string[];
  /** Whether the second fault met the moment it waited for. */
  readonly met: boolean;
  /** The longest silence of all writers together from the first fault on; undefined when none wrote after it. */
  readonly outageMs: number | undefined;
  readonly term: number;
  /** The leader changed though nothing was done to it. */
  readonly falseFailover: boolean;
  /** From the first fault until the cluster was whole, ms. */
  readonly backMs: number;
  readonly acknowledged: readonly Acknowledged[];
  readonly history: Judgement;
  /** What is wrong; empty = the verdict is good. */
  readonly wrong: readonly string[];
}

/** An incident that did not come to a verdict. */
export class Unfinished extends Error {}

const MOMENT_MS = 3_000;

/** A stage of an incident; a failure says in which it was. */
async function stage<T>(name: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new Unfinished(`${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** Runs the plan on a cluster that is whole. @throws Unfinished, saying what did not come. */
export async function runIncident(
  cluster: Cluster,
  plan: IncidentPlan,
  options: IncidentOptions,
): Promise<Incident> {
  const { primary: leader, term: termBefore } = await stage(
    "before the fault",
    cluster.whole(options.wholeMs),
  );
  const watch = new Watch(cluster);
  const crowd = new Crowd(cluster, plan.number, seeded(plan.seed));
  let load: Load | undefined;
  try {
    const wrote = (): boolean => crowd.writers.every(({ acknowledged }) => acknowledged.length > 2);
    const errors = (): string => `every writer wrote: ${JSON.stringify(crowd.errors())}`;
    await stage("before the fault", waitFor(errors, wrote, { limitMs: 20_000 }));
    const { largeMegabytes, idleConnections } = options;
    const setting = { cluster, leader, incident: plan.number, largeMegabytes, idleConnections };
    load = await stage(`the load ${plan.load}`, LOADS[plan.load](setting));
    const struck = await stage("the faults", strikeAll(cluster, plan, { leader, spread: load.spread ?? 1 }));
    await stage("releasing the load", load.release());
    const { term } = await stage("after the faults", cluster.whole(options.wholeMs));
    const backMs = Math.round(performance.now() - struck.at);
    const before = crowd.acknowledged;
    await stage(
      "after the faults",
      waitFor(errors, () => crowd.acknowledged > before + 4, { limitMs: 30_000 }),
    );
    await crowd.stop();
    await watch.stop();
    const wrong = [...watch.wrong, ...cluster.surprises.splice(0)];
    const judged = await stage("the verdict", examine({ cluster, plan, options, crowd, load }));
    wrong.push(...judged.wrong);
    return {
      plan,
      victims: struck.victims,
      met: struck.met,
      outageMs: longestSilence(crowd.times(), struck.at),
      term,
      falseFailover: term !== termBefore && sparesTheLeader(plan) && !struck.victims.includes(leader.name),
      backMs,
      acknowledged: judged.acknowledged,
      history: judged.history,
      wrong,
    };
  } finally {
    await crowd.stop();
    await watch.stop();
  }
}

const sparesTheLeader = ({ first, second }: IncidentPlan): boolean =>
  second === undefined && first.on === "follower" && SPARE_THE_LEADER.has(first.fault);

interface Struck {
  /** Monotonic ms of the first fault. */
  readonly at: number;
  readonly victims: readonly string[];
  readonly met: boolean;
}

async function strikeAll(
  cluster: Cluster,
  { first, second }: IncidentPlan,
  { leader, spread }: { leader: Member; spread: number },
): Promise<Struck> {
  await pause(first.delayMs * spread);
  const at = performance.now();
  const victims: string[] = [];
  let met = true;
  const one = strike(cluster, first, leader);
  victims.push(one.victim.name);
  const other = async (): Promise<void> => {
    if (!second) return;
    met = await comes(cluster, second.moment, leader);
    await pause(second.delayMs);
    const leads = (await cluster.primary()) ?? (await standing(cluster)) ?? leader;
    const two = strike(cluster, second, leads);
    victims.push(two.victim.name);
    await two.undone;
  };
  // A fault that could not be undone would poison all that follows: both are waited for whatever happens.
  const results = await Promise.allSettled([one.undone, other()]);
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
  return { at, victims, met };
}

function strike(cluster: Cluster, stroke: Stroke, leader: Member): { victim: Member; undone: Promise<void> } {
  const random = seeded(stroke.seed);
  const able = cluster.members.filter((member) => fits(stroke.fault, member));
  const followers = able.filter((member) => member !== leader);
  const victim = stroke.on === "leader" || followers.length === 0 ? leader : pick(followers, random);
  const others = cluster.members.filter((member) => member !== victim);
  const { lastsMs } = stroke;
  const undone = (async () => {
    const undo: Undo = await FAULTS[stroke.fault]({ cluster, victim, others, lastsMs, random });
    if (undo !== nothing) await pause(lastsMs);
    await undo();
  })();
  return { victim, undone };
}

/** Whether the moment comes within MOMENT_MS. */
async function comes(cluster: Cluster, moment: Moment, leader: Member): Promise<boolean> {
  if (moment === "at once") return true;
  const term = Math.max(0, ...(await cluster.statuses()).map((status) => status?.term ?? 0));
  const is = (status: MemberStatus | undefined): boolean =>
    status !== undefined && isMoment(status, moment, term);
  const look = async (): Promise<boolean> => (await cluster.statuses()).some(is);
  return waitFor(`${moment} after ${leader.name}`, look, { limitMs: MOMENT_MS, everyMs: 5 }).then(
    () => true,
    () => false,
  );
}

function isMoment(status: MemberStatus, moment: Moment, term: number): boolean {
  switch (moment) {
    case "at once":
      return true;
    case "election":
      return status.term > term || /stands for election|hears no leader; asks/.test(status.phase);
    case "drain":
      return /applies what it had received/.test(status.phase);
    case "rewind":
      return status.mysqld === "rewinding";
    case "clone":
      return status.mysqld === "cloning";
  }
}

/** Who is on the way to lead. */
async function standing(cluster: Cluster): Promise<Member | undefined> {
  const found = (await cluster.statuses()).find(
    (status) => status !== undefined && /^elected in term|stands for election/.test(status.phase),
  );
  return found && cluster.member(found.name);
}

/** From the last OK before the fault on. */
export function longestSilence(times: readonly number[], since: number): number | undefined {
  const from = Math.max(0, times.filter((at) => at <= since).length - 1);
  const gaps = times.slice(from + 1).map((at, index) => at - (times[from + index] ?? at));
  return gaps.length === 0 ? undefined : Math.round(Math.max(...gaps));
}

interface Examined {
  readonly cluster: Cluster;
  readonly plan: IncidentPlan;
  readonly options: IncidentOptions;
  readonly crowd: Crowd;
  readonly load: Load;
}

/** The last reads, the checks of data and of history. */
async function examine({ cluster, plan, options, crowd, load }: Examined): Promise<{
  wrong: string[];
  acknowledged: Acknowledged[];
  history: Judgement;
}> {
  const wrong = await cluster.onPrimary((primary) => load.inspect(primary), options.wholeMs);
  await cluster.onPrimary((primary) => lastReads(crowd, plan.number, primary), options.wholeMs);
  const acknowledged = crowd.writers.map(({ acknowledged: seqs }, writer) => ({
    incident: plan.number,
    writer,
    seqs,
  }));
  const all = [...options.earlier, ...acknowledged];
  const since = Math.min(...all.map(({ incident }) => incident));
  const [holdings, history] = await Promise.all([
    cluster.onPrimary((primary) => holdingsOf(cluster, primary, since), options.wholeMs),
    checkHistory(options.checker, crowd.history, options.pictures),
  ]);
  wrong.push(...judge(holdings, all));
  if (history.result !== "ok") {
    const lines = crowd.history.map((operation) => `${JSON.stringify(operation)}\n`);
    writeFileSync(join(options.pictures, "history.jsonl"), lines.join(""));
    wrong.push(
      `history ${history.result}: ${[...(history.illegal ?? []), ...(history.undecided ?? [])].join(", ")}`,
    );
  }
  return { wrong, acknowledged, history };
}

/** Every object is read once more: a write that was lost at the end would else be seen by nobody. */
async function lastReads({ history }: Crowd, incident: number, primary: Member): Promise<void> {
  const objects = { register: "registers", list: "lists" } as const;
  for (const object of ["register", "list"] as const) {
    const call = Math.round(performance.now() * 1_000_000);
    const range = `k >= ${incident * KEYS} AND k < ${(incident + 1) * KEYS}`;
    const rows = await primary.sql(`SELECT k, v FROM app.${objects[object]} WHERE ${range}`);
    const held = new Map(rows.map((row) => [Number(row["k"]), String(row["v"])]));
    const keys = new Set(history.filter((operation) => operation.object === object).map(({ key }) => key));
    for (const key of keys) {
      const read = { object, key, kind: "read", value: held.get(key) ?? "", expected: "" } as const;
      const told = { client: 0, found: false, unknown: false, call };
      history.push({ ...read, ...told, return: Math.round(performance.now() * 1_000_000) });
    }
  }
}
