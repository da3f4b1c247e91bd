/** A new agent in a running pod: mysqld is not touched, a leader hands over first, a bad bundle gives way. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import * as path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RenewAnswer } from "../../api/agent";
import { Cluster, type Instance } from "./cluster";
import { PATIENT, waitFor } from "./common";
import { prepareTable, verdict, Writer } from "./writers";

let cluster: Cluster;
let bundle: string;
const shaOf = (text: string): string => createHash("sha256").update(text).digest("hex");

beforeAll(async () => {
  cluster = await Cluster.start({ net: 12, template: true, ...PATIENT });
  const primary = await cluster.settled();
  await cluster.putIntent({ initialised: true });
  await prepareTable(cluster);
  bundle = await readFile(path.join(primary.bin, "agent.js"), "utf8");
});
afterAll(() => cluster.close());

async function follower(): Promise<Instance> {
  const primary = await cluster.settled();
  const found = cluster.instances.find((each) => each !== primary);
  if (!found) throw new Error("no follower");
  return found;
}

/** Waits for an agent of that bundle that is not the process it was. */
async function runs(instance: Instance, sha256: string, before: number): Promise<void> {
  const holds = async (): Promise<boolean> => {
    const status = await instance.status().catch(() => undefined);
    return status?.pid?.agent !== before && status?.bundle?.sha256 === sha256 && status.ready;
  };
  await waitFor(`${instance.name} runs the bundle`, holds, 40_000);
}

/** Sends a bundle, again for as long as the one before it is on trial. */
async function send(instance: Instance, text: string, sha256 = shaOf(text)): Promise<[number, string]> {
  let answer: [number, string] = [0, ""];
  await waitFor("no bundle is on trial", async () => {
    const { status, body } = await instance.renew(text, sha256);
    answer = [status, body];
    return !body.includes("on trial");
  });
  return answer;
}

test("a follower's agent is renewed while its mysqld serves on; the bundle takes the old one's place", async () => {
  const instance = await follower();
  const next = `${bundle}\n// renewed once\n`;
  const [agent, mysqld] = [await instance.agentPid(), await instance.mysqldPid()];
  const { term } = await instance.status();
  const reply = await instance.renew(next, shaOf(next));
  expect(JSON.parse(reply.body)).toEqual({ sha256: shaOf(next), restarts: true });
  await runs(instance, shaOf(next), agent);
  const status = await instance.status();
  expect([status.pid?.mysqld, status.term]).toEqual([mysqld, term]);
  const proven = path.join(instance.bin, "agent.js");
  await waitFor("the bundle is proven", async () => shaOf(await readFile(proven, "utf8")) === shaOf(next));
  expect(JSON.parse((await instance.renew(next, shaOf(next))).body)).toEqual({
    sha256: shaOf(next),
    restarts: false,
  });
});

test("the leader's agent hands over first, loses nothing, and its mysqld is not restarted", async () => {
  const primary = await cluster.settled();
  const { term } = await primary.status();
  const [agent, mysqld] = [await primary.agentPid(), await primary.mysqldPid()];
  const next = `${bundle}\n// renewed twice\n`;
  const writer = new Writer(cluster, "renewal");
  await waitFor("the first writes", () => writer.acks.length > 20);
  const reply = await primary.renew(next, shaOf(next));
  const answer = JSON.parse(reply.body) as RenewAnswer;
  expect(answer).toMatchObject({ sha256: shaOf(next), restarts: true });
  await runs(primary, shaOf(next), agent);
  const after = writer.acks.length;
  await waitFor("writes go on", () => writer.acks.length > after + 20);
  await writer.stop();
  const leader = await cluster.settled({ above: term });
  expect(leader.name).toBe(answer.transferredTo);
  expect(await primary.mysqldPid()).toBe(mysqld);
  const clean = { lost: { "shop-0": 0, "shop-1": 0, "shop-2": 0 }, divergent: [] };
  expect(await verdict(cluster, leader, [writer])).toEqual(clean);
});

test("another SHA-256 and a bundle that does not start are refused; the agent runs on", async () => {
  const instance = await follower();
  const agent = await instance.agentPid();
  expect(await send(instance, bundle, shaOf("something else"))).toEqual([
    400,
    expect.stringMatching(/SHA-256 is [0-9a-f]{64}, the header/),
  ]);
  expect(await send(instance, "this is no program (")).toEqual([
    422,
    expect.stringMatching(/does not start: SyntaxError/),
  ]);
  expect((await send(instance, "process.stdout.write('hello');"))[0]).toBe(422);
  expect(await instance.agentPid()).toBe(agent);
});

test("a bundle that ends after it was taken gives way to the one before it, which says why", async () => {
  const instance = await follower();
  const { bundle: before, pid } = await instance.status();
  const dying =
    "if (process.argv.includes('--check')) process.stdout.write('porpoise-agent'); else process.exit(3);";
  expect((await send(instance, dying))[0]).toBe(200);
  await waitFor("the old agent is back", async () => {
    const status = await instance.status().catch(() => undefined);
    return status?.bundle?.refused !== undefined && status.ready;
  });
  const status = await instance.status();
  expect(status.bundle).toEqual({
    sha256: before?.sha256,
    refused: "the bundle was started 3 times and never held; last: code 3",
  });
  expect(status.pid?.mysqld).toBe(pid?.mysqld);
});

test("alone, with nobody to hand over to: the agent is renewed, mysqld is not restarted and opens again", async () => {
  const alone = await Cluster.start({ net: 16, members: 1, template: true, ...PATIENT });
  try {
    const only = await alone.settled();
    const { term } = await only.status();
    const [agent, mysqld] = [await only.agentPid(), await only.mysqldPid()];
    const next = `${bundle}\n// renewed alone\n`;
    expect(await send(only, next)).toEqual([200, JSON.stringify({ sha256: shaOf(next), restarts: true })]);
    await runs(only, shaOf(next), agent);
    await alone.settled({ above: term });
    await waitFor("mysqld is looked at", async () => (await only.status()).pid?.mysqld !== undefined);
    expect(await only.mysqldPid()).toBe(mysqld);
  } finally {
    await alone.close();
  }
});
