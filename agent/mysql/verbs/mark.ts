/** A row written on request: who holds it holds all before it in the leader's binary log. */
import { nudge } from "../sql";
import { all, type Handler } from "./context";

/** A slot no nudge uses. */
const MARK_SLOT = 100;

export const mark: Handler<"mark"> = async (context, { to, marker }) => {
  await all(context, [`SET SESSION gtid_next='${marker}'`]);
  await all(context, [nudge(MARK_SLOT), "SET SESSION gtid_next='AUTOMATIC'"]);
  return { type: "marked", term: context.term, marker, to };
};
