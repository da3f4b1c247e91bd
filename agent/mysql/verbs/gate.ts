/** Closing mysqld to clients: the part of fence, drain and quiesce that is the same. */
import type { Server } from "../server";
import { isNoSuchThread } from "../session";
import type { Listed } from "../sessions";
import { victims } from "../sessions";
import { replicationAccount } from "../sql";

/**
 * offline_mode=ON, then KILL whoever it does not cut (root: SUPER and CONNECTION_ADMIN pass it; mysql-facts B).
 * Never waits for commits. Answers who is left.
 * @throws TimedOut when the server does not confirm a step within the limit.
 */
export async function closeGate(server: Server, purpose: string, limitMs: number): Promise<Listed[]> {
  const session = server.session(purpose);
  const secrets = await server.options.secrets();
  const own = [secrets.system.username, replicationAccount(secrets).username];
  // Each SET cuts whoever has not said yet who he is, an agent that connects among them: once is enough.
  const { offline } = await session.row("SELECT @@global.offline_mode offline", limitMs);
  if (Number(offline) !== 1) await session.query("SET GLOBAL offline_mode=ON", limitMs);
  for (const id of victims(await server.processlist(purpose, limitMs), own)) {
    await session.query(`KILL CONNECTION ${id}`, limitMs).catch((error: unknown) => {
      if (!isNoSuchThread(error)) throw error;
    });
  }
  return server.processlist(purpose, limitMs);
}
