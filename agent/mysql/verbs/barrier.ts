/** The first transaction of a term, under the GTID `<cluster id>:<term>` (agent.md, Promotion). */
import { containsGtid, parseGtidSet } from "../../../api/gtid";
import { clean } from "../server";
import { barrier as barrierRow } from "../sql";
import { all, type Handler } from "./context";

export const barrier: Handler<"barrier"> = async (context, { clusterId }) => {
  const { server, term } = context;
  if (server.armedWith < 0) throw new Error("not armed");
  const gtid = `${clusterId}:${term}`;
  const [row] = await context.query("SELECT @@global.gtid_executed executed");
  // MySQL skips a known GTID and says OK: tried twice, it would prove nothing.
  if (containsGtid(parseGtidSet(clean(row?.["executed"])), parseGtidSet(gtid)))
    throw new Error(`the barrier ${gtid} was tried before; a term has one`);
  // read_only and offline_mode stay: only the agent may write.
  await all(context, ["SET GLOBAL super_read_only=OFF", `SET SESSION gtid_next='${gtid}'`]);
  server.barrierBegun = true;
  await all(context, [barrierRow(term, server.options.memberId), "SET SESSION gtid_next='AUTOMATIC'"]);
  return { type: "barrierAcked", term };
};
