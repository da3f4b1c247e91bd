/** Fewer than three with data: a witness that stands in, and what only a person may decide. Whole agents, real mysqlds. */
import { readFile } from "node:fs/promises";
import * as path from "node:path";
import { afterEach, expect, test } from "vitest";
import type { Recovered, RecoverPlan } from "../../api/agent";
import { Cluster, type ClusterOptions, type Instance } from "./cluster";
import { PATIENT, waitFor } from "./common";
import { prepareTable, verdict, Writer } from "./writers";

let cluster: Cluster;
let writer: Writer | undefined;

afterEach(async () => {
  await writer?.stop();
  writer = undefined;
  await cluster.close();
});

async function start(options: ClusterOptions): Promise<Instance> {
  cluster = await Cluster.start({ ...options, template: true, ...PATIENT });
  const primary = await cluster.settled();
  await cluster.putIntent({ initialised: true });
  await prepareTable(cluster);
  writer = new Writer(cluster, "majority");
  await written(20);
  return primary;
}

async function written(more: number, limitMs = 40_000): Promise<void> {
  const from = writer?.acks.length ?? 0;
  await waitFor("writes", () => (writer?.acks.length ?? 0) >= from + more, limitMs);
}

const others = (but: Instance): Instance[] => cluster.instances.filter((each) => each !== but);

test("two and a witness: the loss of the primary stops writes until k is 0; it comes back and is taken in", async () => {
  const primary = await start({ net: 14, members: 2, witness: true });
  const [witness] = cluster.instances.filter(({ role }) => role === "witness");
  const [survivor] = others(primary).filter((each) => each !== witness);
  if (!witness || !survivor) throw new Error("no witness or no survivor");
  const small = await witness.status();
  expect(small).toMatchObject({ role: "witness", ready: true, mysqld: "down" });
  expect(small.phase).toMatch(/^witness; hears shop-\d, primary of term 1$/);
  expect(small.received).toBeUndefined();
  expect((await survivor.status()).configuration).toMatchObject({ witnesses: [small.memberId], k: 1 });
  expect([await witness.probe("/livez"), await witness.probe("/readyz")]).toEqual([200, 200]);
  expect([await witness.probe("/primary"), await witness.probe("/replica")]).toEqual([503, 503]);
  console.log(`witness: ${JSON.stringify(small.rssBytes)}`);
  expect((small.rssBytes?.agent ?? Infinity) / 2 ** 20).toBeLessThan(160);

  await primary.end(); // The whole pod.
  await cluster.configured([survivor.name, witness.name]);
  expect((await survivor.status()).configuration?.k).toBe(0);
  await written(20);

  await primary.start();
  await cluster.putIntent({}, [primary]);
  const again = await cluster.configured([primary, survivor, witness].map(({ name }) => name));
  expect(again.configuration?.k).toBe(1);
  await written(20);
  await writer?.stop();
  const leader = await cluster.settled();
  cluster.instances.splice(cluster.instances.indexOf(witness), 1); // It holds no data to compare.
  const { lost, divergent } = await verdict(cluster, leader, writer ? [writer] : []);
  cluster.instances.push(witness);
  expect([lost, divergent]).toEqual([{ [primary.name]: 0, [survivor.name]: 0 }, []]);
});

test("two of three are lost: nobody goes on alone but by a person's two steps; the two are rebuilt when they come back", async () => {
  const primary = await start({ net: 15 });
  const [survivor, other] = others(primary);
  if (!survivor || !other) throw new Error("no replicas");
  const recover = async (body: object): Promise<{ status: number; body: string }> =>
    survivor.ask("POST", "/v1/recover", body, 20_000);
  // Nothing is lost yet.
  expect(await recover({ step: "plan" })).toMatchObject({ status: 409 });
  const { clusterId: former, term } = await survivor.status();
  await Promise.all([primary.end(), other.end()]);
  await writer?.stop();
  const acknowledged = writer?.acks.length ?? 0;

  let planned: { status: number; body: string } = { status: 0, body: "" };
  await waitFor("the leader is missed", async () => {
    planned = await recover({ step: "plan" });
    return planned.status === 200;
  });
  const plan = JSON.parse(planned.body) as RecoverPlan;
  expect(plan.missing.map((id) => id.split(".")[0]).sort()).toEqual([primary.name, other.name].sort());
  expect(plan.mayBeLost).toContain(primary.name);
  expect((await survivor.status()).role).not.toBe("primary");
  expect((await recover({ step: "execute", token: plan.token })).status).toBe(400);
  const done = await recover({ step: "execute", token: plan.token, acceptDataLoss: true });
  expect([done.status, JSON.parse(done.body) as Recovered]).toEqual([200, { clusterId: plan.clusterId }]);

  await waitFor("it leads alone", async () => (await survivor.status()).role === "primary", 30_000);
  const alone = await survivor.status();
  expect(alone).toMatchObject({ clusterId: plan.clusterId, formerClusterIds: [former] });
  expect(alone.term).toBeGreaterThan(term);
  const record = await readFile(path.join(survivor.directory, "data/agent/recoveries.jsonl"), "utf8");
  expect(record.trim().split("\n")).toHaveLength(4 - 1);
  expect(record).not.toContain(plan.token);
  expect((await cluster.events()).join("\n")).toContain("Recovered: ");

  // The controller adopts the id; the others come back with what they held.
  const { clusterId } = plan;
  await cluster.putIntent({ clusterId, formerClusterIds: [former ?? ""] }, [survivor]);
  await Promise.all([primary.start(), other.start()]);
  await cluster.putIntent({}, [primary, other]);
  await cluster.configured(
    [primary, survivor, other].map(({ name }) => name),
    60_000,
  );
  writer = new Writer(cluster, "after");
  await written(20);
  await writer.stop();
  const leader = await cluster.settled();
  const { lost, divergent } = await verdict(cluster, leader, [writer]);
  expect([Object.values(lost), divergent]).toEqual([[0, 0, 0], []]);
  const [row] = await leader.sql("SELECT COUNT(*) n FROM app.ids WHERE id LIKE 'majority-%'");
  console.log(`${acknowledged} acknowledged before, ${String(row?.["n"])} of them or more kept`);
});
