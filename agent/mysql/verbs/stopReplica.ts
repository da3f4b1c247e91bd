/**
 * STOP REPLICA that does not wait for what will never come.
 *
 * A transaction of which only a part was received (its source died while sending it) keeps its locks while the applier
 * lives, and a stopping applier gives it 60 s, a constant of the server. Killing the worker lets go at once; the whole
 * transaction comes again from the next source (docs/measured-facts.md, 3: 8 of 8, sums equal 13 of 13).
 */
import { isNoSuchThread, type Session } from "../session";
import { APPLIER_WORKERS } from "../sql";
import { pause } from "./context";

const PATIENCE_MS = 100;
const KILL_LIMIT_MS = 1_000;

/** Stops both threads on `session`; `killer` is another session. @throws the server's error, or why it was aborted. */
export async function stopReplica(session: Session, killer: Session): Promise<void> {
  const stopped = session.query("STOP REPLICA");
  const ended = stopped.then(
    () => true,
    () => true,
  );
  const late = (): Promise<boolean> => pause(PATIENCE_MS).then(() => false);
  while (!(await Promise.race([ended, late()]))) await killWorkers(killer);
  await stopped;
}

async function killWorkers(killer: Session): Promise<void> {
  for (const { id } of await killer.query(APPLIER_WORKERS, KILL_LIMIT_MS))
    await killer.query(`KILL CONNECTION ${Number(id)}`, KILL_LIMIT_MS).catch((error: unknown) => {
      if (!isNoSuchThread(error)) throw error;
    });
}
