/**
 * Fencing (agent.md): whatever this mysqld was, when the verb ends it can tell no client OK any more.
 *
 * The order is measured (mysql-facts B): clients are cut first. super_read_only before it queues behind waiting
 * commits; semi-sync off or SIGTERM before it would tell them OK. Without confirmation in time: SIGKILL.
 */
import { messageOf } from "../session";
import { waiting } from "../sessions";
import type { Handler, VerbContext } from "./context";
import { closeGate } from "./gate";

export const fence: Handler<"fence"> = async (context) => {
  const { server, term } = context;
  if (server.runningPid === undefined) return { type: "fenced", term, killed: true };
  const why = await tryFence(context).catch(messageOf);
  if (why !== undefined) {
    server.options.log("fence: killing mysqld", { term, why });
    await server.kill();
  }
  return { type: "fenced", term, killed: why !== undefined };
};

/** Answers why mysqld must be killed, or undefined when it is fenced. @throws Error: then it must be killed too. */
async function tryFence(context: VerbContext): Promise<string | undefined> {
  const { server, monitor } = context;
  const { fenceMs, readOnlyMs } = server.limits;
  const started = performance.now();
  const left = (): number => Math.max(1, fenceMs - (performance.now() - started));
  monitor.stop();
  // Writers of our own: one that goes on could open what is closed here.
  await withinMs(context.othersEnded(), left());
  const session = server.session("fence");
  if (await isReplica(context, left())) return undefined;
  const rest = await closeGate(server, "fence", left());
  if (waiting(rest) > 0) return `${waiting(rest)} sessions wait for acknowledgements`;
  await session.query("SET SESSION lock_wait_timeout=1", left());
  await session.query("SET GLOBAL super_read_only=ON", readOnlyMs);
  // Nobody can wait here: super_read_only would have waited for him.
  const again = waiting(await closeGate(server, "fence", readOnlyMs));
  if (again > 0) return `${again} sessions wait for acknowledgements`;
  await session.query("SET GLOBAL rpl_semi_sync_source_enabled=OFF", readOnlyMs);
  server.armedWith = -1;
  return undefined;
}

/** Nothing to fence: it was not writable and waits for nobody. */
async function isReplica(context: VerbContext, limitMs: number): Promise<boolean> {
  const row = await context.server
    .session("fence")
    .row("SELECT @@global.super_read_only ro, @@global.rpl_semi_sync_source_enabled semi", limitMs);
  return Number(row["ro"]) === 1 && Number(row["semi"]) === 0;
}

async function withinMs(work: Promise<void>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`own verbs did not end within ${Math.round(limitMs)} ms`)),
      limitMs,
    );
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
