/**
 * The way back of a crashed leader without a copy: cut what the elected leader lacks, start, verify (facts A).
 *
 * Safe only for a mysqld that crashed and was not started since. Whether the engine had committed some of the tail
 * all the same shows afterwards: then its GTIDs are still there, and mysqld stays closed for a CLONE.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { formatGtidSet, parseGtidSet, subtractGtid } from "../../../api/gtid";
import { cutTail } from "../../binlog/cut";
import { findTail } from "../../binlog/tail";
import { boot, forgetUuid } from "../boot";
import type { Handler } from "./context";
import { ready } from "./start";

export const rewind: Handler<"rewind"> = async ({ server, term }, { electedSet }) => {
  if ((await server.state()).pid !== undefined)
    throw new Error("mysqld runs: a rewind is for one that crashed");
  await server.gone();
  const { datadir } = server.options.paths;
  const tail = await findTail(join(datadir, "binlog.index"), parseGtidSet(electedSet));
  if (tail.kind === "impossible") {
    server.options.log("rewind impossible", { reason: tail.reason, errant: tail.errant });
    return { type: "rewound", term, result: "impossible", errant: tail.errant };
  }
  if (tail.kind === "cut") {
    const { discarded } = server.options.paths;
    const saved = await cutTail(tail, {
      directory: discarded,
      serverUuid: await lastUuid(datadir),
      at: new Date(),
    });
    server.options.log("tail cut", { errant: tail.errant, file: saved.file });
    await forgetUuid(datadir); // Else it would give a discarded GTID to another transaction.
  }
  await server.internally(() => boot(server));
  const sets = await server.sets(server.session("rewind"));
  const committed = beyond(sets.executed, electedSet);
  if (committed !== "")
    return [await ready(server), { type: "rewound", term, result: "committed", errant: committed }];
  const relayed = beyond(sets.retrieved, electedSet);
  if (relayed !== "") {
    // It died before it had applied all it received as a follower: no cut of the binary log takes that away.
    await server.internally(() => server.kill());
    return { type: "rewound", term, result: "impossible", errant: relayed };
  }
  const errant = tail.kind === "cut" ? tail.errant : "";
  return [{ type: "rewound", term, result: "ok", errant }, await ready(server)];
};

/** What the set has that the leader was not elected with. */
function beyond(set: string, electedSet: string): string {
  return formatGtidSet(subtractGtid(parseGtidSet(set), parseGtidSet(electedSet)));
}

async function lastUuid(datadir: string): Promise<string> {
  const text = await readFile(join(datadir, "auto.cnf"), "utf8").catch(() => "");
  return /server-uuid=([0-9a-f-]{36})/.exec(text)?.[1] ?? "unknown";
}
