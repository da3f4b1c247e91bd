/** A member's data made anew from a donor, under a new server UUID. Its old data are gone when it begins. */
import { escape } from "mysql2";
import { boot, forgetUuid } from "../boot";
import type { Server } from "../server";
import { errorNumber, messageOf, type Row, type Session } from "../session";
import { replicationAccount } from "../sql";
import { type Handler } from "./context";
import { ready } from "./start";
import { stopReplica } from "./stopReplica";

/** "Restart server failed": the data are complete (mysql-facts H). */
const RESTART_FAILED = 3707;
const POLL_MS = 500;

export const clone: Handler<"clone"> = async ({ server, term }, { donor }) => {
  await server.internally(async () => {
    if ((await server.state()).pid === undefined) await boot(server);
    await copy(server, donor);
    // The clone ends in a shutdown of seconds that nobody needs.
    await server.kill();
    await forgetUuid(server.options.paths.datadir);
    await boot(server);
    // The donor's channel came along and names relay logs that are not here.
    await server.session("clone").query("RESET REPLICA ALL");
  });
  return [{ type: "cloned", term }, await ready(server)];
};

async function copy(server: Server, donor: string): Promise<void> {
  const { options } = server;
  const session = server.session("clone");
  const { host, port } = options.resolve(donor);
  const { username, password } = replicationAccount(await options.secrets());
  await stopReplica(session, server.session("stopper"));
  await session.query("SET GLOBAL offline_mode=ON");
  await session.query(`SET GLOBAL clone_valid_donor_list=${escape(`${host}:${port}`)}`);
  for (const [name, file] of [
    ["ca", "ca.crt"],
    ["cert", "tls.crt"],
    ["key", "tls.key"],
  ])
    if (options.paths.agentTls !== undefined)
      await session.query(`SET GLOBAL clone_ssl_${name}=${escape(`${options.paths.agentTls}/${file}`)}`);
  await session.query("SET GLOBAL super_read_only=OFF"); // CLONE is a write; offline_mode keeps everyone out.
  await rollBackPrepared(session);
  const from = `${escape(username)}@${escape(host)}:${port}`;
  const ssl = options.paths.agentTls === undefined ? "" : " REQUIRE SSL";
  const stalled = watch(server);
  try {
    const statement = session.query(`CLONE INSTANCE FROM ${from} IDENTIFIED BY ${escape(password)}${ssl}`);
    await Promise.race([statement, stalled.failed]);
  } catch (error) {
    if (!isComplete(error)) throw new Error(`cloning from ${donor}: ${messageOf(error)}`);
  } finally {
    stalled.end();
  }
}

/** CLONE drops every table first, and waits for ever for one that a prepared transaction locks (found with real faults). */
async function rollBackPrepared(session: Session): Promise<void> {
  const prepared = await session.query("XA RECOVER CONVERT XID");
  if (prepared.length > 0) await session.query("SET SESSION sql_log_bin=0");
  for (const row of prepared) await session.query(xaRollback(row));
}

/** A row of XA RECOVER CONVERT XID: `data` is 0x, then gtrid and bqual in hexadecimal; the lengths are in bytes. */
export function xaRollback(row: Row): string {
  const data = String(row["data"]).replace(/^0x/i, "");
  const cut = 2 * Number(row["gtrid_length"]);
  return `XA ROLLBACK X'${data.slice(0, cut)}',X'${data.slice(cut)}',${Number(row["formatID"])}`;
}

const isComplete = (error: unknown): boolean => errorNumber(error) === RESTART_FAILED;

/** Rejects when the clone moves nothing for cloneStallMs: a waiting commit blocks its donor (mysql-facts 7). */
function watch(server: Server): { readonly failed: Promise<never>; end(): void } {
  const { cloneStallMs } = server.limits;
  let last = "";
  let progressAt = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const failed = new Promise<never>((_, reject) => {
    timer = setInterval(() => {
      void progress(server).then((now) => {
        if (now !== last) [last, progressAt] = [now, performance.now()];
        if (performance.now() - progressAt < cloneStallMs) return;
        const error = new Error(
          `nothing moved for ${cloneStallMs} ms; a commit that waits on the donor blocks it`,
        );
        server.session("clone").abort(error);
        reject(error);
      });
    }, POLL_MS);
  });
  return { failed, end: () => clearInterval(timer) };
}

async function progress(server: Server): Promise<string> {
  const sql = "SELECT GROUP_CONCAT(state) states, SUM(data) data FROM performance_schema.clone_progress";
  const row = await server
    .session("control")
    .row(sql, POLL_MS)
    .catch(() => undefined);
  return row === undefined ? "" : `${String(row["states"])} ${String(row["data"])}`;
}
