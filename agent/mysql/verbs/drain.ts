/** The winner applies all it received, before semi-sync is on (on, its applier would wait for ever; facts 3). */
import { replicaStatus } from "../server";
import { leftToApply } from "../sets";
import { type Handler, type VerbContext } from "./context";
import { closeGate } from "./gate";
import { stopReplica } from "./stopReplica";

const SLICE_S = 0.2;

export const drain: Handler<"drain"> = async (context) => {
  const { server, session, term } = context;
  await closeGate(server, "drain", server.limits.readOnlyMs);
  context.check();
  const sets = await server.sets(session);
  context.check();
  if (leftToApply(sets)) {
    await startApplier(context);
    await applyAll(context, sets.retrieved);
  }
  // A half-received transaction keeps its locks while the applier lives.
  await stopReplica(session, server.session("stopper"));
  context.check();
  return { type: "drained", term };
};

/** Its note: starting it twice is no error. @throws the server's error. */
export async function startApplier(context: VerbContext): Promise<void> {
  const status = await replicaStatus(context.session);
  context.check();
  if (status?.["Replica_SQL_Running"] !== "Yes") await context.query("START REPLICA SQL_THREAD");
}

/** Waits until all of `retrieved` is executed; never skips. @throws Error when the applier died or stands still. */
async function applyAll(context: VerbContext, retrieved: string): Promise<void> {
  const { drainStallMs } = context.server.limits;
  let executed = "";
  let progressAt = performance.now();
  for (;;) {
    const [row] = await context.query(
      `SELECT WAIT_FOR_EXECUTED_GTID_SET('${retrieved}', ${SLICE_S}) late, @@global.gtid_executed executed`,
    );
    if (Number(row?.["late"]) === 0) return;
    if (row?.["executed"] !== executed) {
      executed = String(row?.["executed"]);
      progressAt = performance.now();
    }
    const status = await replicaStatus(context.session);
    context.check();
    if (status?.["Replica_SQL_Running"] !== "Yes")
      throw new Error(`the applier stopped: ${String(status?.["Last_SQL_Error"])}`);
    if (performance.now() - progressAt > drainStallMs)
      throw new Error(`the applier has made no progress for ${drainStallMs} ms`);
  }
}
