/** Who is connected: whom a fence kills, and who waits for an acknowledgement. Pure. */

export interface Listed {
  readonly id: number;
  readonly user: string;
  /** Address or name, without the port; "" for the server's own threads. */
  readonly host: string;
  readonly command: string;
  readonly state: string;
}

/** Reads a row of SHOW PROCESSLIST. */
export function listed(row: Readonly<Record<string, unknown>>): Listed {
  const text = (name: string): string => (typeof row[name] === "string" ? row[name] : "");
  const host = text("Host").replace(/:\d+$/, "");
  return { id: Number(row["Id"]), user: text("User"), host, command: text("Command"), state: text("State") };
}

const NOT_CLIENTS = ["system user", "event_scheduler", "unauthenticated user"];
const REPLICATION = new Set(["Binlog Dump", "Binlog Dump GTID"]);

/**
 * Everyone but the agents' own accounts, replication and the server's own threads: root stays through offline_mode
 * (facts B). Who has not said yet who he is may be an agent that connects; the fence looks again when nobody can write.
 */
export function victims(sessions: readonly Listed[], own: readonly string[]): number[] {
  const spared = new Set([...own, ...NOT_CLIENTS]);
  return sessions
    .filter(({ user, command }) => !spared.has(user) && !REPLICATION.has(command))
    .map(({ id }) => id);
}

/** Only one session shows the first state, the others the second (mysql-facts B): count both. */
const WAITING = /waiting for semi-sync ack|waiting for handler commit/i;
export function waiting(sessions: readonly Listed[]): number {
  return sessions.filter(({ state }) => WAITING.test(state)).length;
}
