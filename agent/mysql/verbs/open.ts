/** Lets writers in: the last step, after the barrier was acknowledged. */
import { all, type Handler, type VerbContext } from "./context";

export const open: Handler<"open"> = async (context) => {
  const { server, monitor, term } = context;
  await assertAcknowledging(context); // I5
  await all(context, ["SET GLOBAL read_only=OFF", "SET GLOBAL offline_mode=OFF"]);
  monitor.opened();
  // A leader is never relaxed; until this is on disk a power cut only makes it abstain for nothing.
  const { host } = server.options;
  if (host.host.relaxed) void host.saveHost({ ...host.host, relaxed: false }).catch(() => undefined);
  return { type: "opened", term };
};

async function assertAcknowledging(context: VerbContext): Promise<void> {
  const { armedWith } = context.server;
  if (armedWith < 0) throw new Error("not armed");
  if (armedWith === 0) return;
  const [row] = await context.query("SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_source_status'");
  if (row?.["Value"] !== "ON") throw new Error("semi-sync is off: an OK would not be acknowledged");
}
