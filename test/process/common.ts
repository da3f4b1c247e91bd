/** What the members of a lab and the instances of a cluster have in common. */
import { createConnection, type ConnectionOptions } from "mysql2/promise";

/** Small and quick (mysql-facts J), but with performance_schema: the agent's progress of a clone needs it. */
export const SMALL = {
  user: "root",
  innodb_redo_log_capacity: "16M",
  innodb_buffer_pool_size: "16M",
  max_connections: "100",
  table_open_cache: "64",
  auto_generate_certs: "OFF",
};

/**
 * For tests whose matter is not how soon a loss is seen: on a busy machine agents stall for longer than the defaults
 * allow, and an election more is an election nobody asked about.
 */
export const PATIENT = {
  timing: { heartbeatMs: 200, electionTimeoutMs: 4_000 },
  env: { PORPOISE_PEER_TIMEOUT_MS: "2000" },
};

/** One statement on a connection of its own; its rows. @throws the server's error. */
export async function query(
  options: ConnectionOptions,
  statement: string,
): Promise<Record<string, unknown>[]> {
  const connection = await createConnection(options);
  try {
    const [rows] = await connection.query(statement);
    return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : [];
  } finally {
    connection.destroy();
  }
}

/** Polls until it holds. @throws Error naming what did not come. */
export async function waitFor(
  what: string,
  holds: () => boolean | Promise<boolean>,
  limitMs = 15_000,
): Promise<void> {
  const until = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > until) throw new Error(`not within ${limitMs} ms: ${what}`);
    await pause(20);
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
