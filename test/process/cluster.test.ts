/** Whole agents on real mysqlds: the main job without Kubernetes. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Cluster } from "./cluster";
import { waitFor } from "./mysqld";
import { outageMs, prepareTable, verdict, Writer, type Verdict } from "./writers";

let cluster: Cluster;
const clean: Verdict = { lost: { "shop-0": 0, "shop-1": 0, "shop-2": 0 }, divergent: [] };
/** Busy test machines stall; an outage above this is no stall but a fault that took another way. */
const OUTAGE_MAX_MS = 10_000;

beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(() => cluster.close());

/** Runs `fault` under two writers; returns the longest pause between two OKs, and the writers, stopped. */
async function underWriters(
  label: string,
  fault: () => Promise<void>,
): Promise<{ outage: number; writers: Writer[] }> {
  const writers = [1, 2].map((each) => new Writer(cluster, `${label}-${each}`));
  const written = () => writers.reduce((sum, { acks }) => sum + acks.length, 0);
  try {
    await waitFor("the first writes", () => written() > 20, 20_000);
    const since = performance.now();
    await fault();
    const after = written();
    await waitFor("writes after the fault", () => written() > after + 20, 60_000);
    return { outage: outageMs(writers, since), writers };
  } catch (error) {
    throw new Error(
      [
        String(error),
        ...writers.map(({ errors }) => String(errors.at(-1))),
        ...(await cluster.logTails(30)),
      ].join("\n"),
    );
  } finally {
    await Promise.all(writers.map((writer) => writer.stop()));
  }
}

test("three empty members become a cluster: one primary, published; two replicas that follow", async () => {
  const primary = await cluster.settled();
  await cluster.putIntent({ initialised: true });
  await waitFor("the endpoint", async () => (await cluster.endpoint())?.instance === primary.name);
  expect(await primary.probe("/primary")).toBe(200);
  for (const replica of cluster.instances.filter((each) => each !== primary)) {
    expect([
      await replica.probe("/primary"),
      await replica.probe("/replica"),
      await replica.probe("/readyz"),
    ]).toEqual([503, 200, 200]);
    expect((await replica.status()).phase).toBe(`replicates from ${primary.name}`);
  }
  await prepareTable(cluster);
});

test("I1: SIGKILL of the primary's mysqld under writers loses no acknowledged id; it comes back by itself", async () => {
  const primary = await cluster.settled();
  const { term } = await primary.status();
  const pid = await primary.mysqldPid();
  const { outage, writers } = await underWriters("sigkill", async () => {
    process.kill(pid, "SIGKILL");
    await waitFor("another primary", async () => (await cluster.endpoint())?.instance !== primary.name);
  });
  console.log(`mysqld SIGKILL: last OK -> first OK ${outage} ms`);
  const next = await cluster.settled({ above: term });
  expect(next.name).not.toBe(primary.name);
  expect(outage).toBeLessThan(OUTAGE_MAX_MS);
  expect(await verdict(cluster, next, writers)).toEqual(clean);
  const { lastFailover } = await next.status();
  console.log("phases:", JSON.stringify(lastFailover?.phasesMs));
  expect(lastFailover).toMatchObject({ from: primary.name, to: next.name });
  console.log((await cluster.events()).join("\n"));
});

test("a follower's agent may die while its mysqld serves on", async () => {
  const primary = await cluster.settled();
  const { term } = await primary.status();
  const replica = cluster.instances.find((each) => each !== primary);
  if (!replica) throw new Error("no replica");
  const [mysqld, agent] = [await replica.mysqldPid(), await replica.agentPid()];
  const { outage, writers } = await underWriters("follower-agent", async () => {
    process.kill(agent, "SIGKILL");
    await waitFor("a new agent", async () => {
      const pid = await replica.agentPid().catch(() => agent);
      return pid !== agent;
    });
  });
  console.log(`follower's agent killed: longest pause ${outage} ms`);
  const same = await cluster.settled();
  expect([same.name, (await same.status()).term]).toEqual([primary.name, term]);
  expect(await replica.mysqldPid()).toBe(mysqld);
  expect(await verdict(cluster, same, writers)).toEqual(clean);
});

test("I7: the primary's agent dies; its mysqld is fenced and the cluster goes on, nothing lost", async () => {
  const primary = await cluster.settled();
  const { term } = await primary.status();
  const agent = await primary.agentPid();
  const { outage, writers } = await underWriters("leader-agent", async () => {
    process.kill(agent, "SIGKILL");
    await waitFor("a newer term", async () => {
      const terms = await Promise.all(
        cluster.instances.map((each) =>
          each.status().then(
            (s) => s.term,
            () => 0,
          ),
        ),
      );
      return Math.max(...terms) > term;
    });
  });
  console.log(`primary's agent killed: last OK -> first OK ${outage} ms`);
  const next = await cluster.settled({ above: term });
  expect(outage).toBeLessThan(OUTAGE_MAX_MS);
  expect(await verdict(cluster, next, writers)).toEqual(clean);
});

test("SIGTERM of the primary's pod hands over before it ends; the pod comes back as a replica", async () => {
  const primary = await cluster.settled();
  const { term } = await primary.status();
  const { outage, writers } = await underWriters("sigterm", async () => {
    await primary.terminate();
    await waitFor("another primary", async () => (await cluster.endpoint())?.instance !== primary.name);
  });
  console.log(`SIGTERM of the pod: last OK -> first OK ${outage} ms`);
  expect(outage).toBeLessThan(OUTAGE_MAX_MS);
  await primary.start();
  const next = await cluster.settled({ above: term });
  expect(next.name).not.toBe(primary.name);
  expect(await verdict(cluster, next, writers)).toEqual(clean);
});

test("SIGTERM of a replica's pod stops mysqld cleanly and waits for nobody's session", async () => {
  const primary = await cluster.settled();
  const replica = cluster.instances.find((each) => each !== primary);
  if (!replica) throw new Error("no replica");
  await replica.terminate();
  const log = await readFile(replica.logFile, "utf8");
  expect(log).toContain("Shutdown complete");
  expect(log).not.toContain("Forcing close of thread"); // After 10 s of waiting for them.
  await replica.start();
  await cluster.settled();
});

test("POST /v1/transfer moves the primary where it is asked to", async () => {
  const primary = await cluster.settled();
  const { term } = await primary.status();
  const target = cluster.instances.find((each) => each !== primary);
  if (!target) throw new Error("no target");
  expect((await target.ask("POST", "/v1/transfer", { reason: "test" })).status).toBe(409);
  const { outage, writers } = await underWriters("transfer", async () => {
    const reply = await primary.ask("POST", "/v1/transfer", { to: target.name, reason: "test" });
    expect(JSON.parse(reply.body)).toEqual({ accepted: true, term });
    await waitFor(
      "the target is published",
      async () => (await cluster.endpoint())?.instance === target.name,
    );
  });
  console.log(`transfer: last OK -> first OK ${outage} ms`);
  const next = await cluster.settled({ above: term });
  const took = `SwitchedOver: ${target.name} took over as primary in term ${term + 1}`;
  expect((await cluster.events()).filter((event) => event.startsWith(took))).toHaveLength(1);
  expect(await verdict(cluster, next, writers)).toEqual(clean);
});

test("I9: what somebody writes on a replica is found while its primary leads on; it serves nobody, its data stay", async () => {
  const primary = await cluster.settled();
  const [replica] = cluster.instances.filter((each) => each !== primary);
  await replica?.sql("SET GLOBAL super_read_only=OFF");
  await replica?.sql("SET GLOBAL read_only=OFF");
  const stranger = await replica?.connect();
  await stranger?.query("INSERT INTO app.ids VALUES ('foreign')");
  stranger?.destroy();
  await waitFor("it is found", async () => (await replica?.status())?.errant !== "");
  expect((await replica?.status())?.errant).toMatch(/^[0-9a-f-]{36}:\d+$/);
  await waitFor("nobody is let in", async () => (await replica?.probe("/replica")) === 503);
  await expect(replica?.connect()).rejects.toThrow(/offline mode/);
  expect(await replica?.sql("SELECT id FROM app.ids WHERE id = 'foreign'")).toEqual([{ id: "foreign" }]);
  expect((await cluster.endpoint())?.instance).toBe(primary.name);
  expect(await primary.sql("SELECT 1 FROM app.ids WHERE id = 'foreign'")).toEqual([]);
});
