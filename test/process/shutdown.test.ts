/** A mysqld that somebody else shuts down: `kill`, an operator's SHUTDOWN, a service manager of the node. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Cluster } from "./cluster";
import { waitFor } from "./mysqld";

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ net: 21, template: true });
});
afterAll(() => cluster.close());

test("an open leader whose mysqld shuts down is killed and hands over, long before the shutdown would end", async () => {
  const primary = await cluster.settled();
  await cluster.putIntent({ initialised: true });
  const { term } = await primary.status();
  process.kill(await primary.mysqldPid(), "SIGTERM");
  const closed = async (): Promise<boolean> =>
    /is shutting down: killing it/.test(await readFile(primary.logFile, "utf8"));
  // A shutdown takes 0.7 s and more, and gives OK to whoever still waits at 0.66 s (mysql-facts B).
  await waitFor("the kill", closed, 2_000);
  const next = await cluster.settled({ above: term });
  expect(next.name).not.toBe(primary.name);
});
