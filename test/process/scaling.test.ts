/** The cluster grows, shrinks and mends itself under writers: whole agents on real mysqlds. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { parseGtidSet } from "../../api/gtid";
import { Cluster } from "./cluster";
import { PATIENT, waitFor } from "./common";
import { prepareTable, verdict, Writer } from "./writers";

let cluster: Cluster;
let writers: Writer[];

beforeAll(async () => {
  cluster = await Cluster.start({ net: 13, template: true, ...PATIENT });
  await cluster.settled();
  await cluster.putIntent({ initialised: true });
  await prepareTable(cluster);
  writers = [1, 2].map((each) => new Writer(cluster, `scaling-${each}`));
  await written(20);
});
afterAll(async () => {
  await Promise.all(writers.map((writer) => writer.stop()));
  await cluster.close();
});

/** Each goes on from where the one before it ended. */
let failed = false;
beforeEach((context) => context.skip(failed, "one before it failed"));
afterEach(({ task }) => {
  failed ||= task.result?.state === "fail";
});

/** Waits until the writers have `more` acknowledged ids than now. */
async function written(more: number): Promise<void> {
  const count = (): number => writers.reduce((sum, { acks }) => sum + acks.length, 0);
  const from = count();
  await waitFor("writes", () => count() >= from + more, 30_000);
}

const all = (): string[] => cluster.instances.map(({ name }) => name);

test("a learner and a delayed learner replicate and never acknowledge; the delayed one serves nobody", async () => {
  const learner = await cluster.add({ role: "learner" });
  const late = await cluster.add({ role: "learner", delayMs: 3_600_000 });
  const primary = await cluster.settled({ ready: 5, limitMs: 60_000 });
  const { configuration, peers } = await primary.status();
  expect(configuration?.voters).toHaveLength(3);
  const roles = peers?.filter(({ role }) => role === "learner").map(({ name }) => name);
  expect(roles?.sort()).toEqual([learner.name, late.name].sort());
  expect([(await learner.status()).role, (await late.status()).role]).toEqual(["learner", "learner"]);
  const semi = "SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_replica_status'";
  for (const one of [learner, late]) expect(await one.sql(semi)).toMatchObject([{ Value: "OFF" }]);
  expect(await primary.sql("SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_source_clients'")).toMatchObject([
    { Value: "2" },
  ]);
  expect([await learner.probe("/replica"), await late.probe("/replica")]).toEqual([200, 503]);
  expect((await late.status()).phase).toMatch(/replicates from .*, 3600 s late on purpose/);
  // All that was ever written is younger than the delay: received, and not one row of it applied.
  await written(50);
  const [row] = await late.sql("SHOW REPLICA STATUS");
  expect(parseGtidSet(String(row?.["Retrieved_Gtid_Set"]).replace(/\s/g, "")).size).toBeGreaterThan(1);
  expect(await late.sql("SELECT @@global.gtid_executed executed")).toEqual([{ executed: "" }]);
  await cluster.unwant([learner.name, late.name]);
  await cluster.drop(learner);
  await cluster.drop(late);
});

test("3 → 5: two empty volumes become voters, k is 2", async () => {
  await cluster.add({ role: "voter" });
  await cluster.add({ role: "voter" });
  const { configuration } = await cluster.configured(all(), 60_000);
  expect([configuration?.voters.length, configuration?.k]).toEqual([5, 2]);
  await written(20);
});

test("I1: the primary of five dies; the four go on, and it comes back", async () => {
  const primary = await cluster.settled({ ready: 5 });
  const { term } = await primary.status();
  process.kill(await primary.mysqldPid(), "SIGKILL");
  await waitFor("another primary", async () => (await cluster.endpoint())?.instance !== primary.name);
  await written(20);
  await cluster.settled({ above: term, ready: 5 });
});

test("5 → 3: k is 1 again; those that left run on as what they are, nothing lost", async () => {
  const primary = await cluster.settled({ ready: 5 });
  const leaving = cluster.instances.filter((each) => each !== primary).slice(-2);
  await cluster.unwant(leaving.map(({ name }) => name));
  const staying = cluster.instances.filter((each) => !leaving.includes(each)).map(({ name }) => name);
  const { configuration } = await cluster.configured(staying);
  expect(configuration?.k).toBe(1);
  for (const instance of leaving) await cluster.drop(instance);
  await written(20);
});

test("a wiped volume is replaced by nobody's act: the old member leaves, the new one votes", async () => {
  const primary = await cluster.settled({ ready: 3 });
  const before = await primary.status();
  const wiped = cluster.instances.find((each) => each !== primary);
  if (!wiped) throw new Error("no replica");
  const { memberId } = await wiped.status();
  await wiped.wipe();
  await cluster.putIntent({}, [wiped]); // As the controller tells every agent it sees.
  await waitFor(
    "the new member votes",
    async () => {
      const status = await primary.status().catch(() => undefined);
      const ids = status?.configuration?.voters.filter((id) => id.startsWith(`${wiped.name}.`)) ?? [];
      return status?.membership === undefined && ids.length === 1 && ids[0] !== memberId;
    },
    60_000,
  );
  expect((await primary.status()).term).toBe(before.term);
  await written(20);
});

test("4 → 3 with the removed one's agent gone and its receiver acknowledging on: it is shut out", async () => {
  const fourth = await cluster.add({ role: "voter" });
  const primary = await cluster.settled({ ready: 4 });
  await cluster.configured(
    cluster.instances.map(({ name }) => name),
    60_000,
  );
  const supervisor = fourth.supervisor?.pid ?? 0;
  process.kill(supervisor, "SIGSTOP"); // Or it would start another agent.
  process.kill(await fourth.agentPid(), "SIGKILL");
  await cluster.unwant([fourth.name], [fourth]);
  const staying = cluster.instances.filter((each) => each !== fourth).map(({ name }) => name);
  const { configuration } = await cluster.configured(staying);
  expect(configuration?.k).toBe(1);
  const locked = "SELECT host FROM mysql.user WHERE user LIKE '%repl%' AND account_locked = 'Y'";
  expect(await primary.sql(locked)).toEqual([{ host: fourth.host }]);
  expect(await primary.sql("SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_source_clients'")).toMatchObject([
    { Value: "2" },
  ]);
  await written(20);
  process.kill(supervisor, "SIGCONT");
  await cluster.drop(fourth);
});

test("I1, I10: after all of it no acknowledged id is missing anywhere, and all checksums are equal", async () => {
  const primary = await cluster.settled({ ready: 3 });
  await Promise.all(writers.map((writer) => writer.stop()));
  const acks = writers.reduce((sum, writer) => sum + writer.acks.length, 0);
  console.log(`${acks} acknowledged ids; ${(await cluster.events()).join(" | ")}`);
  const { lost, divergent } = await verdict(cluster, primary, writers);
  expect(Object.values(lost)).toEqual([0, 0, 0]);
  expect(divergent).toEqual([]);
});
