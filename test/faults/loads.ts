/** What else goes on while a fault strikes. Each begins before it and is looked at when the cluster is whole again. */
import type { Connection } from "mysql2/promise";
import type { Cluster } from "./cluster";
import { pause } from "./command";
import type { Member } from "./member";

export interface Setting {
  readonly cluster: Cluster;
  readonly leader: Member;
  readonly incident: number;
  readonly largeMegabytes: number;
  readonly idleConnections: number;
}

export interface Load {
  /** The first fault's delay is multiplied by this: what takes long is to be struck anywhere in it. Default 1. */
  readonly spread?: number;
  /** Ends it. Called when the faults are undone, before the cluster is waited for. */
  release(): Promise<void>;
  /** On the final primary, before the verdict: what is wrong. Leaves nothing behind. */
  inspect(primary: Member): Promise<string[]>;
}

export const LOAD_TABLES = [
  "CREATE TABLE IF NOT EXISTS app.loads (incident INT, part INT, v LONGTEXT, PRIMARY KEY (incident, part))",
  "CREATE TABLE IF NOT EXISTS app.altered (id INT PRIMARY KEY, v VARCHAR(200))",
];

const QUIET: Load = { release: () => Promise.resolve(), inspect: () => Promise.resolve([]) };

/** What became of a statement: "ok" once the server said so. */
interface Outcome {
  told: "ok" | "error" | "nothing";
}

function outcomeOf(work: Promise<unknown>): Outcome {
  const outcome: Outcome = { told: "nothing" };
  work.then(
    () => (outcome.told = "ok"),
    () => (outcome.told = "error"),
  );
  return outcome;
}

async function count(primary: Member, incident: number): Promise<number> {
  const rows = await primary.sql(`SELECT COUNT(*) n FROM app.loads WHERE incident = ${incident}`);
  return Number(rows[0]?.["n"]);
}

/** A reader of each replica holds a lock that its applier needs: what is received is not applied. */
async function backlog({ cluster, leader }: Setting): Promise<Load> {
  const replicas = cluster.data.filter((member) => member !== leader);
  const readers = await Promise.all(
    replicas.map(async (replica) => {
      const reader = await replica.connect();
      await reader.query("LOCK TABLES app.ids READ");
      return reader;
    }),
  );
  await pause(1_500);
  return { ...QUIET, release: () => Promise.resolve(readers.forEach((reader) => reader.destroy())) };
}

/** Written, not committed, idle. Its commit comes after the fault: OK means that the row is there. */
async function longTransaction({ leader, incident }: Setting): Promise<Load> {
  const session = await leader.connect();
  await session.query("START TRANSACTION");
  await session.query("INSERT INTO app.loads VALUES (?, 0, 'long')", [incident]);
  let outcome: Outcome = { told: "nothing" };
  return {
    async release() {
      const commit = session.query({ sql: "COMMIT", timeout: 3_000 });
      outcome = outcomeOf(commit);
      await commit.catch(() => undefined);
      session.destroy();
    },
    async inspect(primary) {
      const lost = outcome.told === "ok" && (await count(primary, incident)) !== 1;
      return lost ? ["a long transaction was acknowledged and is not there"] : [];
    },
  };
}

/** One transaction of many megabytes, on its way when the fault strikes. All of it or nothing. */
async function largeTransaction({ leader, incident, largeMegabytes }: Setting): Promise<Load> {
  const session = await leader.connect();
  await session.query(`SET SESSION cte_max_recursion_depth = ${largeMegabytes + 10}`);
  const rows = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${largeMegabytes})`;
  const values = `SELECT ${incident}, i, REPEAT(CHAR(64 + i % 26), 1000000) FROM n`;
  const outcome = outcomeOf(session.query(`INSERT INTO app.loads ${rows} ${values}`));
  return {
    spread: Math.max(1, largeMegabytes / 16),
    async release() {
      for (let waited = 0; outcome.told === "nothing" && waited < 60_000; waited += 50) await pause(50);
      session.destroy();
    },
    async inspect(primary) {
      const found = await count(primary, incident);
      if (outcome.told === "ok" && found !== largeMegabytes)
        return [`a large transaction was acknowledged; ${found} of ${largeMegabytes} rows are there`];
      return found === 0 || found === largeMegabytes
        ? []
        : [`${found} of ${largeMegabytes} rows of one transaction`];
    },
  };
}

/** A table that is altered again and again, by copy. */
async function ddl({ leader, incident }: Setting): Promise<Load> {
  const session = await leader.connect();
  await session.query({ sql: "REPLACE INTO app.altered VALUES (1, ?)", values: [`of ${incident}`] });
  let running = true;
  const loop = (async () => {
    for (let width = 201; running; width = width > 240 ? 201 : width + 1) {
      await session.query(`ALTER TABLE app.altered MODIFY v VARCHAR(${width}), ALGORITHM=COPY`);
      await session.query(`CREATE TABLE IF NOT EXISTS app.passing (id INT PRIMARY KEY) SELECT ${width} id`);
      await session.query("DROP TABLE app.passing");
    }
  })().catch(() => undefined);
  return {
    ...QUIET,
    async release() {
      running = false;
      await Promise.race([loop, pause(3_000)]);
      session.destroy();
      await loop;
    },
  };
}

/** Prepared and acknowledged, then left alone: it outlives its server and can be committed on the next. */
async function xa({ leader, incident }: Setting): Promise<Load> {
  const id = `xa-${incident}`;
  const session = await leader.connect();
  for (const statement of [
    `XA START '${id}'`,
    `INSERT INTO app.loads VALUES (${incident}, 0, 'xa')`,
    `XA END '${id}'`,
  ])
    await session.query(statement);
  const prepare = session.query({ sql: `XA PREPARE '${id}'`, timeout: 3_000 });
  const outcome = outcomeOf(prepare);
  await Promise.race([prepare.catch(() => undefined), pause(10)]);
  return {
    async release() {
      await prepare.catch(() => undefined);
      session.destroy();
    },
    inspect: (primary) => finishXa(primary, { id, incident, acknowledged: outcome.told === "ok" }),
  };
}

async function finishXa(
  primary: Member,
  { id, incident, acknowledged }: { id: string; incident: number; acknowledged: boolean },
): Promise<string[]> {
  const found = (await primary.sql("XA RECOVER")).some((row) => row["data"] === id);
  if (!found)
    return acknowledged ? [`${id} was prepared and acknowledged; the primary does not know it`] : [];
  await primary.sql(`XA COMMIT '${id}'`);
  return (await count(primary, incident)) === 1 ? [] : [`the row of ${id} is not there after its commit`];
}

/** Clients that hold a connection and say nothing. */
async function idleConnections({ leader, idleConnections: wanted }: Setting): Promise<Load> {
  // The first over TLS: from then on the server knows the password's hash and asks no key of the others.
  const held: Connection[] = [await leader.connect(2_000)];
  while (held.length < wanted) {
    const batch = Array.from({ length: Math.min(25, wanted - held.length) }, () =>
      leader.connect(5_000, false),
    );
    held.push(...(await Promise.all(batch)));
  }
  return { ...QUIET, release: () => Promise.resolve(held.forEach((connection) => connection.destroy())) };
}

export const LOADS = {
  none: () => Promise.resolve(QUIET),
  backlog,
  "long-transaction": longTransaction,
  "large-transaction": largeTransaction,
  ddl,
  xa,
  "idle-connections": idleConnections,
} as const satisfies Record<string, (setting: Setting) => Promise<Load>>;

export type LoadName = keyof typeof LOADS;
