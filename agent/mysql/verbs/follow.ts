/**
 * Re-point: the receiver towards the leader of the term, or the finding that this member has diverged.
 *
 * With both threads stopped CHANGE purges relay logs that were acknowledged (mysql-facts C): it runs with the
 * applier running, or with nothing left to apply.
 */
import { isIP } from "node:net";
import { setDelay } from "../delay";
import { isPurged, replicaStatus } from "../server";
import { messageOf, type Row } from "../session";
import { errantOf, leftToApply, receivedOf } from "../sets";
import { changeSource, RELAXED, replicationAccount, startReceiver } from "../sql";
import { all, pause, type Handler, type VerbContext } from "./context";
import { startApplier } from "./drain";
import { closeGate } from "./gate";
import { stopReplica } from "./stopReplica";

const POLL_MS = 5;

export const follow: Handler<"follow"> = async (context, verb) => {
  const { server, session, term } = context;
  await context.query("STOP REPLICA IO_THREAD");
  const sets = await server.sets(session);
  context.check();
  const errant = errantOf(receivedOf(sets), { ...verb, term });
  if (errant !== "") {
    // I9: no reads here, and no applier that would execute more of it.
    await closeGate(server, "follow", server.limits.readOnlyMs);
    context.check();
    await stopReplica(session, server.session("stopper"));
    context.check();
    return { type: "diverged", term, errant };
  }
  await assertReplica(context);
  await point(context, verb.leader, leftToApply(sets));
  await all(context, [`SET GLOBAL rpl_semi_sync_replica_enabled=${verb.acknowledge ? "ON" : "OFF"}`]);
  if (server.options.durability === "process") await relax(context);
  if (!(await receive(context))) return { type: "receiverLost", term, purged: true };
  await setDelay(session, server.delayMs);
  context.check();
  await all(context, ["SET GLOBAL offline_mode=OFF"]);
  return { type: "followed", term };
};

/** @throws Error on a server that was not fenced: its applier would write beside clients, or wait for ever. */
async function assertReplica(context: VerbContext): Promise<void> {
  const [row] = await context.query(
    "SELECT @@global.super_read_only ro, @@global.rpl_semi_sync_source_enabled semi",
  );
  if (Number(row?.["ro"]) !== 1) throw new Error("mysqld is writable: fence it first");
  if (Number(row?.["semi"]) !== 0) throw new Error("semi-sync source is on: fence it first");
}

async function point(context: VerbContext, leader: string, leftOver: boolean): Promise<void> {
  const { options } = context.server;
  if (leftOver) await startApplier(context);
  const status = await replicaStatus(context.session);
  context.check();
  const autoPosition = Number(status?.["Auto_Position"] ?? 0) !== 1;
  if (autoPosition && leftOver)
    throw new Error("the channel has no auto-position but something left to apply");
  if (autoPosition && status?.["Replica_SQL_Running"] === "Yes")
    await context.query("STOP REPLICA SQL_THREAD");
  const bind = isIP(options.address) === 0 ? undefined : options.address;
  // A new channel begins with its delay; on one that has something to apply it is set while the receiver runs.
  const delayMs = autoPosition ? context.server.delayMs : 0;
  const source = { ...options.resolve(leader), tls: options.paths.agentTls, bind, autoPosition, delayMs };
  await context.query(changeSource(source));
}

/** Noted on disk first: a power cut from here on may lose what was executed or acknowledged. */
async function relax(context: VerbContext): Promise<void> {
  const { host } = context.server.options;
  if (!host.host.relaxed) await host.saveHost({ ...host.host, relaxed: true });
  context.check();
  await all(context, RELAXED);
}

/**
 * Starts both threads; true when the receiver is connected, false when the leader has purged what it needs.
 * @throws Error after followMs; then it is stopped.
 */
async function receive(context: VerbContext): Promise<boolean> {
  const { server, session } = context;
  await context.query(startReceiver(replicationAccount(await server.options.secrets())));
  await startApplier(context);
  const until = performance.now() + server.limits.followMs;
  for (;;) {
    const status = await replicaStatus(session);
    context.check();
    if (status?.["Replica_IO_Running"] === "Yes" && status["Replica_SQL_Running"] === "Yes") return true;
    if (isPurged(status)) return false;
    if (performance.now() > until) {
      await context.query("STOP REPLICA IO_THREAD");
      throw new Error(`the receiver did not connect: ${reason(status)}`);
    }
    await pause(POLL_MS);
  }
}

function reason(status: Row | undefined): string {
  const texts = ["Last_IO_Error", "Last_SQL_Error", "Replica_IO_State"].map((name) => status?.[name]);
  return (
    texts.find((text) => typeof text === "string" && text !== "")?.toString() ?? messageOf("no reason given")
  );
}
