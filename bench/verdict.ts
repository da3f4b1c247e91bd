/**
 * The final word on data (I1, I10): every acknowledged row is on every instance, and all instances are equal.
 * Asked of each instance itself, over TLS to its pod's address.
 */
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { MYSQL_PORT } from "../api/agent";
import { containsGtid, parseGtidSet } from "../api/gtid";
import { names } from "../api/names";
import { readPods, readSecret, type ClusterRef } from "./cluster";
import { TABLE } from "./client";
import type { Entry } from "./outage";
import { waitFor } from "./waits";

/** What one instance holds. */
export interface Holding {
  readonly instance: string;
  readonly executed: string;
  /** Table → CHECKSUM TABLE, of every table of the applications. */
  readonly checksums: Readonly<Record<string, string>>;
  /** The rows of the runs judged, as `run/writer/seq`. */
  readonly rows: ReadonlySet<string>;
}

/** Rows that clients wrote, by the run they belong to. */
export interface Written {
  readonly run: string;
  readonly entries: readonly Entry[];
}

export interface Verdict {
  readonly instances: number;
  readonly tables: number;
  readonly acknowledged: number;
  /** Nobody was told what became of these; they may be there or not, but on all instances alike. */
  readonly unknown: number;
  /** Acknowledged rows that at least one instance lacks. */
  readonly lost: readonly string[];
  /** Instances that differ from the first, each with how. */
  readonly divergent: readonly string[];
}

const rowKey = (run: string, writer: number, seq: number): string => `${run}/${writer}/${seq}`;

/** Pure: from what the instances hold and what was acknowledged. */
export function judge(holdings: readonly Holding[], written: readonly Written[]): Verdict {
  const entries = written.flatMap(({ run, entries: own }) => own.map((entry) => ({ ...entry, run })));
  const acknowledged = entries.filter(({ outcome }) => outcome === "ok");
  const lost = acknowledged
    .map(({ run, writer, seq }) => rowKey(run, writer, seq))
    .flatMap((row) =>
      holdings.filter(({ rows }) => !rows.has(row)).map(({ instance }) => `${row} on ${instance}`),
    );
  return {
    instances: holdings.length,
    tables: Object.keys(holdings[0]?.checksums ?? {}).length,
    acknowledged: acknowledged.length,
    unknown: entries.length - acknowledged.length,
    lost,
    divergent: holdings.slice(1).flatMap((holding) => difference(holdings[0] ?? holding, holding)),
  };
}

function difference(first: Holding, other: Holding): string[] {
  const found: string[] = [];
  if (!sameSet(first.executed, other.executed)) {
    found.push(`gtid_executed ${other.executed} instead of ${first.executed}`);
  }
  for (const table of new Set([...Object.keys(first.checksums), ...Object.keys(other.checksums)])) {
    const [a, b] = [first.checksums[table], other.checksums[table]];
    if (a !== b) found.push(`${table} has checksum ${b ?? "none"} instead of ${a ?? "none"}`);
  }
  return found.length === 0 ? [] : [`${other.instance} differs from ${first.instance}: ${found.join("; ")}`];
}

function sameSet(a: string, b: string): boolean {
  const [left, right] = [parseGtidSet(a), parseGtidSet(b)];
  return containsGtid(left, right) && containsGtid(right, left);
}

/** Nothing lost, nothing different, and something was there to judge. */
export const isGood = ({ lost, divergent, acknowledged, instances }: Verdict): boolean =>
  lost.length === 0 && divergent.length === 0 && acknowledged > 0 && instances > 0;

/** The verdict in a sentence; what is wrong comes with its first examples. */
export function verdictText(verdict: Verdict): string {
  const { lost, divergent, acknowledged, instances, tables } = verdict;
  if (acknowledged === 0) return "no write was acknowledged: there is nothing to judge";
  if (isGood(verdict)) {
    return `${acknowledged} acknowledged rows are on all ${instances} instances; checksums of ${tables} tables and GTID sets agree`;
  }
  const examples = [...lost.slice(0, 3), ...divergent.slice(0, 3)].join("; ");
  return `${lost.length} acknowledged rows missing, ${divergent.length} instances differ: ${examples}`;
}

/**
 * Judges a cluster to which nobody writes any more. Replicas are given `deadlineMs` to catch up; a verdict that is
 * still bad then is the answer, not an error.
 */
export async function verdict(
  ref: ClusterRef,
  written: readonly Written[],
  { deadlineMs = 30_000, instances = 3 } = {},
): Promise<Verdict> {
  let last: Verdict | undefined;
  await waitFor("all instances equal", { deadlineMs, everyMs: 500 }, async () => {
    // A witness holds no data.
    const pods = (await readPods(ref)).filter(({ instance }) => instance !== names.witness(ref.name));
    if (pods.length !== instances) return `${pods.length} of ${instances} pods exist`;
    const runs = written.map(({ run }) => run);
    const access = await appAccess(ref);
    const holdings = await Promise.all(
      pods.map(({ instance, ip = "" }) => readHolding(access, { instance, ip, runs })),
    );
    last = judge(holdings, written);
    return isGood(last) ? { value: last } : verdictText(last);
  }).catch((cause: unknown) => {
    if (!last) throw cause;
  });
  if (!last) throw new Error("no verdict"); // waitFor returned or threw.
  return last;
}

/** How to ask an instance. */
export interface Access {
  readonly user: string;
  readonly password: string;
  /** Where the clients' table is. */
  readonly database: string;
  /** PEM. */
  readonly ca: string;
}

export interface Asked {
  readonly instance: string;
  readonly ip: string;
  readonly runs: readonly string[];
  /** Default true; they read every table whole. */
  readonly checksums?: boolean;
}

/** The access of the applications to a cluster of ours. */
export async function appAccess(ref: ClusterRef): Promise<Access> {
  const secret = await readSecret(ref.namespace, names.appSecret(ref.name));
  const { username = "", password = "", database = "" } = secret;
  return { user: username, password, database, ca: secret["ca.crt"] ?? "" };
}

/** What one instance holds. @throws when it does not answer. */
export async function readHolding(access: Access, asked: Asked): Promise<Holding> {
  const { instance, ip, runs, checksums: wanted = true } = asked;
  const connection = await createConnection({
    host: ip,
    port: MYSQL_PORT,
    user: access.user,
    password: access.password,
    ssl: { ca: access.ca },
    connectTimeout: 5000,
  });
  const rowsOf = async (sql: string, values: unknown[] = []): Promise<RowDataPacket[]> =>
    (await connection.query<RowDataPacket[]>({ sql, values, timeout: 60_000 }))[0];
  try {
    // The set first: what the tables then show is at least that.
    const [gtid] = await rowsOf("SELECT @@GLOBAL.gtid_executed AS executed");
    const checksums = wanted ? await readChecksums(rowsOf) : {};
    const rows = runs.length === 0 ? [] : await rowsOf(selectRows(access.database), [runs]);
    return {
      instance,
      executed: String(gtid?.executed).replaceAll("\n", ""),
      checksums,
      rows: new Set(rows.map(({ run, writer, seq }) => rowKey(String(run), Number(writer), Number(seq)))),
    };
  } finally {
    connection.destroy();
  }
}

type RowsOf = (sql: string, values?: unknown[]) => Promise<RowDataPacket[]>;

async function readChecksums(rowsOf: RowsOf): Promise<Record<string, string>> {
  const tables = await rowsOf(
    `SELECT table_schema AS s, table_name AS t FROM information_schema.tables WHERE table_type = 'BASE TABLE'
      AND table_schema NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema') ORDER BY 1, 2`,
  );
  const checksums: Record<string, string> = {};
  for (const { s, t } of tables) {
    const [sum] = await rowsOf("CHECKSUM TABLE ??.??", [s, t]);
    checksums[`${s}.${t}`] = String(sum?.Checksum);
  }
  return checksums;
}

// The table of the clients is in the database of `<c>-app`.
const selectRows = (database: string): string =>
  `SELECT run, writer, seq FROM \`${database}\`.${TABLE} WHERE run IN (?)`;
