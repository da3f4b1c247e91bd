import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import type { Express } from "express";
import { afterEach, expect, test } from "vitest";
import type { Intent, MemberStatus } from "../../api/agent";
import { emptyHistory } from "../history";
import { healthApp, secureApp, type AgentApi, type Probes } from "./apps";
import { createGate } from "./gate";
import { decideIntent, openIntentStore, parseIntent } from "./intent";
import { createMetrics } from "./metrics";
import { listenPlain, type Listening } from "./servers";

const intent: Intent = {
  epoch: 1_000,
  generation: 4,
  clusterId: "0b5f8f3c-9f5e-4d5e-8a53-0c8a3b7d9f10",
  members: [
    { name: "shop-0", role: "voter" },
    { name: "shop-1", role: "voter" },
    { name: "shop-2", role: "witness" },
    { name: "shop-r0", role: "learner", delayMs: 60_000 },
  ],
  formerClusterIds: [],
  initialised: false,
  timing: { heartbeatMs: 150, electionTimeoutMs: 1000 },
  autoFailover: true,
  maxLagMs: 10_000,
  usePrimary: "fallback",
  onlineConfig: { max_connections: "300" },
};
const status: MemberStatus = {
  name: "shop-0",
  memberId: "shop-0.a",
  agentVersion: "1",
  generation: 4,
  role: "replica",
  term: 3,
  ready: true,
  phase: "replicates from shop-1",
  mysqld: "running",
  errant: "",
  lagMs: 1500,
};

const listening: Listening[] = [];
afterEach(async () => {
  await Promise.all(listening.splice(0).map((each) => each.close()));
});

async function ask(
  app: Express,
  method: string,
  where: string,
  body?: unknown,
): Promise<{ status: number; body: unknown }> {
  const server = await listenPlain(app, { host: "127.0.0.1", port: 0 });
  listening.push(server);
  const init = {
    method,
    headers: { "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  };
  const reply = await fetch(`http://127.0.0.1:${server.port}${where}`, init);
  const text = await reply.text();
  const json = reply.headers.get("content-type")?.includes("json");
  return { status: reply.status, body: json ? (JSON.parse(text) as unknown) : text };
}

function api(change: Partial<AgentApi> = {}): AgentApi {
  const no = (): never => {
    throw new Error("not expected");
  };
  return {
    status: () => status,
    putIntent: no,
    generation: () => 4,
    transfer: no,
    raft: no,
    publish: no,
    recover: no,
    renew: no,
    ...change,
  };
}
const everyone = (): boolean => true;

test("PUT /v1/intent answers with the generation held, also when it refuses an older one", async () => {
  const taken = secureApp(api({ putIntent: async () => ({ taken: true, changed: true, intent }) }), everyone);
  expect(await ask(taken, "PUT", "/v1/intent", intent)).toEqual({ status: 200, body: { generation: 4 } });
  const older = secureApp(
    api({ putIntent: async () => ({ taken: false, status: 409, reason: "older" }) }),
    everyone,
  );
  expect(await ask(older, "PUT", "/v1/intent", intent)).toEqual({
    status: 409,
    body: { generation: 4, reason: "older" },
  });
});

test("POST /v1/raft and /v1/publish are for agents alone; status is for every certificate of the CA", async () => {
  const app = secureApp(api(), () => false);
  expect((await ask(app, "POST", "/v1/raft", {})).status).toBe(403);
  expect((await ask(app, "POST", "/v1/publish", {})).status).toBe(403);
  expect(await ask(app, "GET", "/v1/status")).toEqual({ status: 200, body: status });
});

test("POST /v1/transfer tells the reason of a refusal", async () => {
  const app = secureApp(
    api({ transfer: () => ({ accepted: false, reason: "shop-0 is not the leader" }) }),
    everyone,
  );
  expect(await ask(app, "POST", "/v1/transfer", { reason: "test" })).toEqual({
    status: 409,
    body: { accepted: false, reason: "shop-0 is not the leader" },
  });
});

test("POST /v1/publish passes the rule's outcome on", async () => {
  const request = {
    service: "primary",
    term: 4,
    leader: "shop-1.b",
    endpoints: [{ instance: "shop-1", pod: "shop-1-0", ip: "10.0.0.2" }],
  };
  const outcomes = [
    [{ result: "written" }, 204],
    [{ result: "superseded", term: 5 }, 409],
    [{ result: "unreachable", reason: "no route" }, 502],
  ] as const;
  for (const [outcome, code] of outcomes)
    expect(
      (await ask(secureApp(api({ publish: async () => outcome }), everyone), "POST", "/v1/publish", request))
        .status,
    ).toBe(code);
  const bad = await ask(secureApp(api(), everyone), "POST", "/v1/publish", { ...request, endpoints: [{}] });
  expect(bad).toEqual({ status: 400, body: { reason: "endpoints is not a list of {instance, pod, ip}" } });
});

test("a failure shows a sentence and no stack; an unknown path says so", async () => {
  const app = secureApp(api(), everyone);
  expect(await ask(app, "POST", "/v1/transfer", {})).toEqual({
    status: 500,
    body: { reason: "not expected" },
  });
  expect(await ask(app, "DELETE", "/v1/status")).toEqual({
    status: 404,
    body: { reason: "no DELETE /v1/status here" },
  });
});

test("probes answer 200 or 503, each for itself", async () => {
  const probes: Probes = {
    live: () => true,
    ready: () => false,
    primary: () => false,
    replica: () => true,
    status: () => status,
    metrics: async () => "",
    metricsType: "text/plain",
  };
  const codes = await Promise.all(
    ["/livez", "/readyz", "/primary", "/replica"].map(
      async (where) => (await ask(healthApp(probes), "GET", where)).status,
    ),
  );
  expect(codes).toEqual([200, 503, 503, 200]);
  expect((await ask(healthApp(probes), "GET", "/status")).body).toEqual(status);
});

test("the gate is shut from the start and after each close", () => {
  const gate = createGate();
  const seen = [gate.isOpen()];
  gate.open(3);
  seen.push(gate.isOpen());
  gate.close();
  seen.push(gate.isOpen());
  expect(seen).toEqual([false, true, false]);
});

test("an older intent is refused, an equal one changes nothing, initialised never goes back", () => {
  expect(decideIntent(intent, { ...intent, generation: 3 })).toMatchObject({ taken: false, status: 409 });
  expect(decideIntent(intent, { ...intent })).toMatchObject({ taken: true, changed: false });
  const initialised = { ...intent, initialised: true };
  expect(decideIntent(intent, initialised)).toMatchObject({ taken: true, changed: true });
  expect(decideIntent(initialised, { ...intent, generation: 5 })).toMatchObject({
    intent: { initialised: true, generation: 5 },
  });
});

test("a recovery's refusal and a bundle's answer come with their status; strangers may ask for neither", async () => {
  const reason = "a majority answers";
  const bundles: Buffer[] = [];
  const asked = api({
    recover: async () => ({ status: 409, reason }),
    renew: async (bundle) => {
      bundles.push(bundle);
      return { sha256: "ab", restarts: true };
    },
  });
  const app = secureApp(asked, everyone);
  expect(await ask(app, "POST", "/v1/recover", { step: "plan" })).toEqual({ status: 409, body: { reason } });
  const server = await listenPlain(app, { host: "127.0.0.1", port: 0 });
  listening.push(server);
  const put = (body: string): Promise<Response> => {
    const headers = { "content-type": "application/octet-stream", "x-sha256": "ab" };
    return fetch(`http://127.0.0.1:${server.port}/v1/agent`, { method: "PUT", headers, body });
  };
  expect(await (await put("let it = 1;")).json()).toEqual({ sha256: "ab", restarts: true });
  expect(bundles.map(String)).toEqual(["let it = 1;"]);
  expect((await put("")).status).toBe(400);
  const closed = secureApp(asked, () => false);
  expect((await ask(closed, "POST", "/v1/recover", { step: "plan" })).status).toBe(403);
  expect((await ask(closed, "PUT", "/v1/agent", {})).status).toBe(403);
});

test("generation 1 of a MySQLCluster made anew wins over the former one's; the refusal says both", () => {
  const anew = { ...intent, epoch: 2_000, generation: 1 };
  expect(decideIntent(intent, anew)).toMatchObject({ taken: true, changed: true });
  expect(decideIntent(anew, { ...intent, generation: 9 })).toEqual({
    taken: false,
    status: 409,
    reason: "generation 9 of epoch 1000 is older than generation 1 of epoch 2000, which is held",
  });
});

test("an intent of before roles has voters only", () => {
  const old = { ...intent, members: ["shop-0", "shop-1"], formerClusterIds: undefined };
  expect(parseIntent(JSON.parse(JSON.stringify(old)))).toEqual({
    ...intent,
    members: [
      { name: "shop-0", role: "voter" },
      { name: "shop-1", role: "voter" },
    ],
  });
});

test("an intent of before epochs counts as epoch 0", () => {
  const old = JSON.parse(JSON.stringify({ ...intent, epoch: undefined })) as object;
  expect(parseIntent(old)).toEqual({ ...intent, epoch: 0 });
  expect(decideIntent(parseIntent(old) as Intent, { ...intent, generation: 1 })).toMatchObject({
    taken: true,
  });
});

test("a volume takes no intent of another cluster, says whose it is, and takes its own again", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "intent-"));
  try {
    const store = await openIntentStore(directory, () => intent.clusterId);
    await store.put(intent);
    const other = { ...intent, epoch: 2_000, clusterId: "ffffffff-9f5e-4d5e-8a53-0c8a3b7d9f10" };
    const reason =
      `volume belongs to cluster ${intent.clusterId}, not to ${other.clusterId}: ` +
      "give the MySQLCluster that id (docs/deletion.md), or delete this volume";
    expect(await store.put(other)).toEqual({ taken: false, status: 409, reason });
    expect([store.current(), store.foreign()]).toEqual([intent, reason]);
    expect((await openIntentStore(directory)).current()).toEqual(intent);
    expect(await store.put({ ...intent, epoch: 3_000, generation: 1 })).toMatchObject({ taken: true });
    expect(store.foreign()).toBeUndefined();
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("a volume takes the intent of the cluster that its own was recovered as", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "intent-"));
  try {
    const store = await openIntentStore(directory, () => intent.clusterId);
    const recovered = {
      ...intent,
      clusterId: "ffffffff-9f5e-4d5e-8a53-0c8a3b7d9f10",
      formerClusterIds: [intent.clusterId],
    };
    expect(await store.put(recovered)).toMatchObject({ taken: true, intent: recovered });
  } finally {
    await rm(directory, { recursive: true });
  }
});

test.each([
  [{ ...intent, clusterId: "shop" }, "clusterId is not a UUID"],
  [{ ...intent, members: [] }, "members is not a list of members"],
  [{ ...intent, members: [{ role: "voter" }] }, "members[0] has no name"],
  [{ ...intent, members: [7] }, "members[0] is neither a name nor an object"],
  [
    { ...intent, members: [{ name: "a", role: "king" }] },
    "members[0] (a) has a role that is not voter, witness or learner",
  ],
  [
    { ...intent, members: [{ name: "a", role: "voter", delayMs: 5 }] },
    "members[0] (a) has a delayMs, which is for learners only",
  ],
  [
    { ...intent, members: [{ name: "a", role: "learner", delayMs: -5 }] },
    "members[0] (a) has a delayMs that is not a whole number of milliseconds",
  ],
  [{ ...intent, members: [{ name: "a", role: "learner" }] }, "members has no voter"],
  [{ ...intent, members: ["a", { name: "a", role: "witness" }] }, "members names a twice"],
  [{ ...intent, formerClusterIds: ["old"] }, "formerClusterIds is not a list of UUIDs"],
  [{ ...intent, timing: { heartbeatMs: 150 } }, "timing is not two numbers of milliseconds"],
  [{ ...intent, usePrimary: "sometimes" }, "usePrimary is not never, fallback or always"],
  [[], "generation is not a whole number"],
  ["text", "the intent is not a JSON object"],
])("a malformed intent is refused: %#", (body, reason) => {
  expect(parseIntent(body)).toBe(reason);
});

test("the intent survives a restart of the agent; a broken file counts as none", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "intent-"));
  try {
    const store = await openIntentStore(directory);
    expect(store.current()).toBeUndefined();
    await store.put(intent);
    expect((await openIntentStore(directory)).current()).toEqual(intent);
    expect(JSON.parse(await readFile(path.join(directory, "intent.json"), "utf8"))).toEqual(intent);
    await writeFile(path.join(directory, "intent.json"), "{");
    expect((await openIntentStore(directory)).current()).toBeUndefined();
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("metrics tell role, lag and how long verbs took", async () => {
  let now = 0;
  const metrics = createMetrics({
    status: () => status,
    history: () => ({ ...emptyHistory, electionsStarted: 2, electionsWon: 1, outageMs: 850 }),
    servesPrimary: () => false,
    waiting: () => 3,
    now: () => now,
  });
  metrics.watch.action({ do: "verb", term: 3, verb: { verb: "fence" } });
  now = 15;
  metrics.watch.event({ type: "fenced", term: 3, killed: false });
  const text = await metrics.text();
  for (const line of [
    "porpoise_term 3",
    'porpoise_role{role="replica"} 1',
    'porpoise_role{role="primary"} 0',
    "porpoise_replication_lag_seconds 1.5",
    "porpoise_commits_waiting 3",
    "porpoise_last_outage_seconds 0.85",
    'porpoise_elections_total{result="won"} 1',
    'porpoise_verb_seconds_sum{verb="fence",result="ok"} 0.015',
  ])
    expect(text.split("\n")).toContain(line);
  expect((await metrics.text()).split("\n")).toContain('porpoise_elections_total{result="started"} 2');
});
