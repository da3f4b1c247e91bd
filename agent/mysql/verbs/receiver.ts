/** Stopping the receiver and reading the received set. */
import { receivedOf } from "../sets";
import type { Handler } from "./context";

/** The set is read after the receiver has returned: what it acknowledged is in it, and it can no longer grow. */
export const stopReceiver: Handler<"stopReceiver"> = async (context) => {
  await context.query("STOP REPLICA IO_THREAD");
  const sets = await context.server.sets(context.session);
  context.check();
  return { type: "receiverStopped", term: context.term, received: receivedOf(sets) };
};

export const readReceived: Handler<"readReceived"> = async (context) => {
  const sets = await context.server.sets(context.session);
  context.check();
  return { type: "receivedRead", term: context.term, received: receivedOf(sets) };
};
