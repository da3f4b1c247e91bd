/** Before a planned transfer: nobody in, no commit waits, and what was executed can no longer grow. */
import { clean } from "../server";
import { waiting } from "../sessions";
import { all, pause, type Handler } from "./context";
import { closeGate } from "./gate";

const POLL_MS = 10;

export const quiesce: Handler<"quiesce"> = async (context) => {
  const { server, term } = context;
  for (;;) {
    const rest = await closeGate(server, "quiesce", server.limits.readOnlyMs);
    context.check();
    if (waiting(rest) === 0) break;
    await pause(POLL_MS);
  }
  await all(context, ["SET SESSION lock_wait_timeout=1", "SET GLOBAL super_read_only=ON"]);
  const [row] = await context.query("SELECT @@global.gtid_executed executed");
  return { type: "quiesced", term, executed: clean(row?.["executed"]) };
};
