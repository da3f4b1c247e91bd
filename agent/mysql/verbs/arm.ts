/** Makes the winner durable and semi-synchronous, before it can write (I5). */
import {
  DURABLE,
  lockedAddresses,
  READ_SEMI_SYNC,
  readmitAddress,
  replicationAccount,
  semiSync,
  semiSyncProblems,
} from "../sql";
import { all, unlogged, type Handler, type VerbContext } from "./context";

export const arm: Handler<"arm"> = async (context, { k }) => {
  const { server, monitor, term } = context;
  await admitAll(context);
  await all(context, DURABLE);
  await all(context, ["SET GLOBAL rpl_semi_sync_replica_enabled=OFF"]);
  if (k === 0) server.armedWith = 0; // Before the switch: the monitor of an open leader must know that it is meant.
  await all(context, k > 0 ? semiSync(k) : ["SET GLOBAL rpl_semi_sync_source_enabled=OFF"]);
  const [row = {}] = await context.query(READ_SEMI_SYNC);
  const problems = semiSyncProblems(row, k);
  if (problems.length > 0) throw new Error(`not armed as asked: ${problems.join("; ")}`);
  server.armedWith = k;
  server.barrierBegun = false;
  monitor.start(term);
  return { type: "armed", term };
};

/**
 * Whom an earlier reign of this member shut out, or its donor's, may be wanted again: the core excludes anew who is
 * not. Without the binary log, before semi-sync is on, with offline_mode and read_only as they are.
 */
async function admitAll(context: VerbContext): Promise<void> {
  const { username } = replicationAccount(await context.server.options.secrets());
  const rows = await context.query(lockedAddresses(username));
  if (rows.length === 0) return;
  const drops = rows.map(({ host }) => readmitAddress(username, String(host)));
  await context.query("SET GLOBAL super_read_only=OFF");
  await unlogged(context, drops);
}
