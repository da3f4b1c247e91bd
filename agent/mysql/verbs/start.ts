/** startMysqld: a running mysqld that lets nobody in, or the one that runs already. */
import type { VerbEvent } from "../../raft/types";
import { boot } from "../boot";
import type { Server } from "../server";
import { receivedOf } from "../sets";
import type { Handler } from "./context";

export const startMysqld: Handler<"startMysqld"> = async ({ server }) => {
  await server.internally(async () => {
    if ((await server.state()).pid === undefined) await boot(server);
  });
  return ready(server);
};

/** The event that says what mysqld has. */
export async function ready(server: Server): Promise<VerbEvent> {
  const session = server.session("observe");
  const received = receivedOf(await server.sets(session));
  const { uuid } = await session.row("SELECT @@global.server_uuid uuid");
  return { type: "mysqldReady", received, serverUuid: String(uuid) };
}
