/** Makes the winner durable and semi-synchronous, before it can write (I5). */
import { DURABLE, READ_SEMI_SYNC, semiSync, semiSyncProblems } from "../sql";
import { all, type Handler } from "./context";

export const arm: Handler<"arm"> = async (context, { k }) => {
  const { server, monitor, term } = context;
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
