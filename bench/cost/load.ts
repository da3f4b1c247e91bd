/**
 * Writers in a closed loop, and the latency of each of their commits. A process of its own in the control plane's
 * namespace: `echo ORDER | tsx bench/cost/load.ts`; each further line of its input is another order; each answer a
 * line of JSON. Rows of 100 bytes, a statement a transaction, no pause.
 */
import { createInterface } from "node:readline";
import { performance } from "node:perf_hooks";
import { createConnection, type Connection } from "mysql2/promise";
import { percentiles, type Percentiles } from "../outage";

export interface LoadOrder {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** PEM. */
  readonly ca: string;
  readonly writers: number;
  /** Not counted: connections, caches. */
  readonly warmMs: number;
  readonly ms: number;
}

export interface LoadAnswer {
  /** Commits per second. */
  readonly perSecond: number;
  /** Milliseconds. */
  readonly latency: Percentiles;
}

const TABLE = "porpoise_load";
const FILL = "x".repeat(80);

/** Runs one order to its end. @throws what any writer met: a load that is not whole is no figure. */
export async function load(order: LoadOrder): Promise<LoadAnswer> {
  const { host, port, user, password, database, ca } = order;
  const open = (): Promise<Connection> =>
    createConnection({ host, port, user, password, database, ssl: { ca }, connectTimeout: 5000 });
  const connections = await Promise.all(Array.from({ length: order.writers }, open));
  try {
    await connections[0]?.query(
      `CREATE TABLE IF NOT EXISTS ${TABLE} (id BIGINT AUTO_INCREMENT PRIMARY KEY, fill CHAR(80))`,
    );
    const from = performance.now() + order.warmMs;
    const to = from + order.ms;
    const latencies = (await Promise.all(connections.map((one) => write(one, from, to)))).flat();
    const latency = percentiles(latencies.map((ms) => Math.round(ms * 1000) / 1000));
    if (!latency) throw new Error("no commit in the whole time");
    return { perSecond: Math.round((latencies.length / order.ms) * 1000 * 10) / 10, latency };
  } finally {
    for (const connection of connections) connection.destroy();
  }
}

/** Latencies of the commits that began in [from, to). */
async function write(connection: Connection, from: number, to: number): Promise<number[]> {
  const latencies: number[] = [];
  for (let now = performance.now(); now < to; now = performance.now()) {
    await connection.query(`INSERT INTO ${TABLE} (fill) VALUES (?)`, [FILL]);
    if (now >= from) latencies.push(performance.now() - now);
  }
  return latencies;
}

function main(): void {
  let last = Promise.resolve();
  createInterface({ input: process.stdin })
    .on("line", (line) => {
      last = last
        .then(() => load(JSON.parse(line) as LoadOrder))
        .then((answer) => console.log(JSON.stringify(answer)))
        .catch((cause: unknown) => {
          console.error(cause);
          process.exit(1);
        });
    })
    .on("close", () => void last.then(() => process.exit()));
}

if (require.main === module) main();
