/** A row written on request: who holds it holds all before it in the leader's binary log. */
import { clean } from "../server";
import { nudge } from "../sql";
import { all, type Handler } from "./context";

/** A slot no nudge uses. */
const MARK_SLOT = 100;

export const mark: Handler<"mark"> = async (context, { to }) => {
  await all(context, ["SET SESSION session_track_gtids='OWN_GTID'"]);
  const [header] = await context.query(nudge(MARK_SLOT));
  const marker =
    ownGtid(header) ??
    clean((await context.query("SELECT @@global.gtid_executed executed"))[0]?.["executed"]);
  return { type: "marked", term: context.term, marker, to };
};

/** The GTID in the answer's session state; undefined when the server sent none. */
function ownGtid(header: unknown): string | undefined {
  if (typeof header !== "object" || header === null || !("stateChanges" in header)) return undefined;
  const { stateChanges } = header;
  if (typeof stateChanges !== "object" || stateChanges === null || !("gtids" in stateChanges))
    return undefined;
  const { gtids } = stateChanges;
  return Array.isArray(gtids) && typeof gtids[0] === "string" ? gtids.join(",") : undefined;
}
