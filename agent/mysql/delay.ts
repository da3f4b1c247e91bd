/**
 * The applier's delay of a delayed learner (SOURCE_DELAY).
 *
 * Set with the applier stopped and the receiver running: with both stopped CHANGE would purge relay logs (mysql-facts C;
 * measured, 9.7.4: the relay log stays, the applier stops at once also in the middle of its wait).
 */
import { replicaStatus } from "./server";
import type { Session } from "./session";
import { delaySeconds } from "./sql";

/** Brings a running channel to `delayMs`, whole seconds. Does nothing where no receiver runs: `follow` sets it then. */
export async function setDelay(session: Session, delayMs: number): Promise<void> {
  const seconds = delaySeconds(delayMs);
  const status = await replicaStatus(session);
  if (status === undefined || Number(status["SQL_Delay"]) === seconds) return;
  if (status["Replica_IO_Running"] === "No") return;
  await session.query("STOP REPLICA SQL_THREAD");
  try {
    await session.query(`CHANGE REPLICATION SOURCE TO SOURCE_DELAY=${seconds}`);
  } finally {
    await session.query("START REPLICA SQL_THREAD");
  }
}
