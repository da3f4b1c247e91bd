/** The word on the data at the end of an incident (I1, I10), asked of every mysqld over its own socket. */
import { containsGtid, parseGtidSet } from "../../api/gtid";
import type { Cluster } from "./cluster";
import { pause, waitFor } from "./command";
import type { Member } from "./member";

/** What one member holds. */
export interface Holding {
  readonly name: string;
  readonly executed: string;
  readonly received: string;
  /** Table → CHECKSUM TABLE, of the application's tables and ours. */
  readonly checksums: Readonly<Record<string, string>>;
  /** Ids as incident/writer/seq. */
  readonly ids: ReadonlySet<string>;
}

/** Ids that writers were told OK for, by incident and writer. */
export interface Acknowledged {
  readonly incident: number;
  readonly writer: number;
  readonly seqs: readonly number[];
}

/** What is wrong; empty when nothing is. Pure. `holdings` begin with the primary's. */
export function judge(holdings: readonly Holding[], acknowledged: readonly Acknowledged[]): string[] {
  const [primary, ...replicas] = holdings;
  if (primary === undefined) return ["no member to judge"];
  const wrong: string[] = [];
  for (const { name, ids } of holdings) {
    const lost = acknowledged.flatMap(({ incident, writer, seqs }) =>
      seqs.map((seq) => `${incident}/${writer}/${seq}`).filter((id) => !ids.has(id)),
    );
    if (lost.length > 0)
      wrong.push(`${name} lacks ${lost.length} acknowledged ids: ${lost.slice(0, 5).join(", ")}`);
  }
  const leading = parseGtidSet(primary.executed);
  for (const replica of replicas) {
    if (!containsGtid(leading, parseGtidSet(replica.executed)))
      wrong.push(
        `${replica.name} executed what ${primary.name} has not: ${replica.executed} against ${primary.executed}`,
      );
    if (!containsGtid(parseGtidSet(replica.executed), leading))
      wrong.push(`${replica.name} lacks GTIDs of ${primary.name}`);
    if (!containsGtid(leading, parseGtidSet(replica.received)))
      wrong.push(`${replica.name} received what ${primary.name} has not: ${replica.received}`);
    for (const table of new Set([...Object.keys(primary.checksums), ...Object.keys(replica.checksums)]))
      if (primary.checksums[table] !== replica.checksums[table])
        wrong.push(
          `${table} has checksum ${replica.checksums[table] ?? "none"} on ${replica.name}, ${primary.checksums[table] ?? "none"} on ${primary.name}`,
        );
  }
  return wrong;
}

/**
 * Reads all members when nothing moves any more. The leader itself may write at any time (a nudge), so what was read
 * counts only when its set is the same before and after. @throws Error when it never comes to rest.
 */
export async function holdingsOf(cluster: Cluster, primary: Member, since: number): Promise<Holding[]> {
  const members = [primary, ...cluster.data.filter((member) => member !== primary)];
  for (let tries = 0; tries < 40; tries++) {
    const before = await executedOf(primary);
    for (const replica of members.slice(1)) await caughtUp(replica, primary, before);
    const holdings = await Promise.all(members.map((member) => holdingOf(member, since)));
    if (before === (await executedOf(primary))) return holdings;
    await pause(100);
  }
  throw new Error(`${primary.name} never came to rest`);
}

async function caughtUp(replica: Member, primary: Member, wanted: string): Promise<void> {
  const set = parseGtidSet(wanted);
  const holds = async (): Promise<boolean> => containsGtid(parseGtidSet(await executedOf(replica)), set);
  await waitFor(`${replica.name} has executed all that ${primary.name} has`, holds, {
    limitMs: 120_000,
    everyMs: 30,
  });
}

async function executedOf(member: Member): Promise<string> {
  return String((await member.sql("SELECT @@global.gtid_executed e"))[0]?.["e"]).replace(/\s/g, "");
}

const SETS = `SELECT @@global.gtid_executed executed, (SELECT GROUP_CONCAT(received_transaction_set)
  FROM performance_schema.replication_connection_status WHERE channel_name = '') received`;
const OURS = `SELECT CONCAT('\`', table_schema, '\`.\`', table_name, '\`') t FROM information_schema.tables
  WHERE table_schema IN ('app', 'porpoise') AND table_type = 'BASE TABLE' ORDER BY 1`;

/** `since`: ids of older incidents are not read. */
async function holdingOf(member: Member, since: number): Promise<Holding> {
  const sets = (await member.sql(SETS))[0];
  const text = (value: unknown): string => String(value ?? "").replace(/\s/g, "");
  const tables = (await member.sql(OURS)).map((row) => String(row["t"]));
  const sums = tables.length === 0 ? [] : await member.sql(`CHECKSUM TABLE ${tables.join(", ")}`);
  const rows = await member.sql(`SELECT incident, writer, seq FROM app.ids WHERE incident >= ${since}`);
  return {
    name: member.name,
    executed: text(sets?.["executed"]),
    received: text(sets?.["received"]),
    checksums: Object.fromEntries(sums.map((row) => [String(row["Table"]), String(row["Checksum"])])),
    ids: new Set(
      rows.map((row) => `${String(row["incident"])}/${String(row["writer"])}/${String(row["seq"])}`),
    ),
  };
}
