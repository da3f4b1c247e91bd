/** Changes k of an open leader, for a change of the configuration (agent.md, Membership). */
import { READ_SEMI_SYNC, semiSync, semiSyncProblems } from "../sql";
import { all, type Handler } from "./context";

/**
 * 0 turns the semi-sync source off, and whoever waits is told OK: asked for only once a configuration with k = 0 is on
 * disk at a majority. Raising from 0 turns it on; what commits from then on waits.
 */
export const setAcks: Handler<"setAcks"> = async (context, { k }) => {
  const { server, term } = context;
  if (server.armedWith < 0) throw new Error("not armed: only a leader's acknowledgements can be set");
  // The monitor of an open leader kills a mysqld whose semi-sync is off and not meant to be.
  if (k === 0) server.armedWith = 0;
  await all(context, k > 0 ? semiSync(k) : ["SET GLOBAL rpl_semi_sync_source_enabled=OFF"]);
  const [row = {}] = await context.query(READ_SEMI_SYNC);
  const problems = semiSyncProblems(row, k);
  if (problems.length > 0) throw new Error(`acknowledgements not set as asked: ${problems.join("; ")}`);
  server.armedWith = k;
  return { type: "acksSet", term, k };
};
