/** Clients that write unique ids through the published endpoint, and the verdict on what they were told. */
import type { Connection } from "mysql2/promise";
import { parseGtidSet, containsGtid } from "../../api/gtid";
import { connectApp, type Cluster, type Instance } from "./cluster";
import { pause, waitFor } from "./mysqld";

export interface Ack {
  readonly id: string;
  /** Monotonic ms at which OK came. */
  readonly at: number;
}

/** One client: writes as fast as it may, one id after the other, reconnecting for ever. */
export class Writer {
  readonly acks: Ack[] = [];
  readonly errors: string[] = [];
  private running = true;
  private readonly done: Promise<void>;

  constructor(
    private readonly cluster: Cluster,
    private readonly label: string,
  ) {
    this.done = this.loop();
  }

  async stop(): Promise<void> {
    this.running = false;
    await this.done;
  }

  private async loop(): Promise<void> {
    let connection: Connection | undefined;
    for (let count = 0; this.running; count += 1) {
      const id = `${this.label}-${count}`;
      try {
        connection ??= await this.connect();
        await connection.query({ sql: "INSERT INTO app.ids VALUES (?)", values: [id], timeout: 3_000 });
        this.acks.push({ id, at: performance.now() });
      } catch (error) {
        this.errors.push(error instanceof Error ? error.message : String(error));
        connection?.destroy();
        connection = undefined;
        await pause(5);
      }
    }
    connection?.destroy();
  }

  private async connect(): Promise<Connection> {
    const endpoint = await this.cluster.endpoint();
    if (!endpoint) throw new Error("nothing published");
    return connectApp(endpoint.ip);
  }
}

/** Makes the writers' table; waits for the application's account. */
export async function prepareTable(cluster: Cluster): Promise<void> {
  const create = async (): Promise<boolean> => {
    const endpoint = await cluster.endpoint();
    if (!endpoint) return false;
    const connection = await connectApp(endpoint.ip);
    await connection.query("CREATE TABLE IF NOT EXISTS app.ids (id VARCHAR(60) PRIMARY KEY)");
    connection.destroy();
    return true;
  };
  await waitFor("the application's table", () => create().catch(() => false), 20_000);
}

/** Longest pause between two OKs of all writers, in ms: last OK → first OK. */
export function outageMs(writers: readonly Writer[], since: number): number {
  const times = writers.flatMap(({ acks }) => acks.map(({ at }) => at)).sort((a, b) => a - b);
  let longest = 0;
  for (let at = 1; at < times.length; at += 1)
    if ((times[at] ?? 0) >= since) longest = Math.max(longest, (times[at] ?? 0) - (times[at - 1] ?? 0));
  return Math.round(longest);
}

export interface Verdict {
  /** Acknowledged ids that are missing, by instance. */
  readonly lost: Readonly<Record<string, number>>;
  /** Instances whose checksums differ from the primary's. */
  readonly divergent: readonly string[];
}

/** After the writers have stopped: waits until all members hold the same, then compares (I1, I10). */
export async function verdict(
  cluster: Cluster,
  primary: Instance,
  writers: readonly Writer[],
): Promise<Verdict> {
  await atRest(cluster, primary);
  const acknowledged = writers.flatMap(({ acks }) => acks.map(({ id }) => id));
  const lost: Record<string, number> = {};
  for (const instance of cluster.instances) {
    const present = new Set((await instance.sql("SELECT id FROM app.ids")).map((row) => String(row["id"])));
    lost[instance.name] = acknowledged.filter((id) => !present.has(id)).length;
  }
  return { lost, divergent: await divergent(cluster, primary) };
}

/**
 * Members whose checksums differ from the primary's. The leader itself may write at any time (a nudge, an account),
 * so sums count only when nothing moved while they were taken.
 */
async function divergent(cluster: Cluster, primary: Instance): Promise<string[]> {
  for (let tries = 0; tries < 20; tries += 1) {
    const before = await atRest(cluster, primary);
    const sums = await Promise.all(cluster.instances.map(checksums));
    const own = JSON.stringify(sums[cluster.instances.indexOf(primary)]);
    const differ = cluster.instances.filter((_, at) => JSON.stringify(sums[at]) !== own);
    if (before === (await executed(primary))) return differ.map(({ name }) => name);
  }
  throw new Error("the leader never came to rest");
}

/** Waits until all members have executed what the primary has; returns that set. */
async function atRest(cluster: Cluster, primary: Instance): Promise<string> {
  const wanted = await executed(primary);
  for (const instance of cluster.instances) {
    // One that is fenced or starts cuts who connects: it is asked again.
    const theirs = (): Promise<string> => executed(instance).catch(() => "");
    const holds = async () => containsGtid(parseGtidSet(await theirs()), parseGtidSet(wanted));
    await waitFor(`${instance.name} has all of ${primary.name}`, holds, 30_000);
  }
  return wanted;
}

async function executed(instance: Instance): Promise<string> {
  const rows = await instance.sql("SELECT @@global.gtid_executed e");
  return String(rows[0]?.["e"]).replace(/\s/g, "");
}

async function checksums(instance: Instance): Promise<unknown[]> {
  const tables = await instance.sql(
    "SELECT CONCAT('`', table_schema, '`.`', table_name, '`') t FROM information_schema.tables WHERE table_schema IN ('app', 'porpoise') ORDER BY 1",
  );
  return instance.sql(`CHECKSUM TABLE ${tables.map((row) => String(row["t"])).join(", ")}`);
}
