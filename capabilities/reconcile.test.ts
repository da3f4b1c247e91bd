import { beforeEach, expect, test } from "vitest";
import type { MySQLCluster } from "../api/mysqlcluster";
import { refuse } from "../api/problem";
import { reconcile, type Ports } from "./reconcile";
import { FakeAgents, FakeKube, member, sample } from "./testing";
import { text, type Secret } from "./secrets";
import { portsOf } from "./world";

const KEY = "retail/shop";
const CLUSTER = "MySQLCluster retail/shop";

let kube: FakeKube;
let agents: FakeAgents;
let nowMs: number;
let ports: Ports;

beforeEach(() => {
  kube = new FakeKube();
  agents = new FakeAgents();
  nowMs = Date.parse("2026-11-21T12:00:00Z");
  ports = portsOf(kube, agents, () => nowMs);
});

const cluster = () => kube.find<MySQLCluster>(CLUSTER);
const condition = (type: string) => cluster()?.status?.conditions?.find((one) => one.type === type);
const events = () => kube.all("Event").map((event) => (event as unknown as { reason: string }).reason);

/** Kubernetes' part: a pod for every StatefulSet. */
function runPods(): void {
  for (const { metadata } of kube.all("StatefulSet")) {
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: `${metadata.name}-0`,
        namespace: "retail",
        uid: `pod-${metadata.name}`,
        labels: metadata.labels,
      },
      spec: { nodeName: "node1" },
      status: { phase: "Running", podIP: "10.0.0.1" },
    };
    kube.put(pod);
  }
}

function serve(primary: string, term = 1): void {
  for (const name of ["shop-0", "shop-1", "shop-2"]) {
    const role = name === primary ? "primary" : "replica";
    agents.members.set(name, member(name, { role, term, mysqlVersion: "9.7.4" }));
  }
}

async function ready(): Promise<void> {
  kube.put(sample());
  await reconcile(ports, KEY);
  runPods();
  serve("shop-0");
  await reconcile(ports, KEY);
}

test("the first run makes everything and comes again soon", async () => {
  kube.put(sample());
  expect(await reconcile(ports, KEY)).toEqual({ requeueAfterMs: 1_000 });
  const made = [...kube.objects.keys()].filter((key) => !key.startsWith("Event")).sort();
  expect(made).toEqual([
    "ConfigMap retail/shop-config",
    CLUSTER,
    "PodDisruptionBudget retail/shop",
    "Role retail/shop",
    "RoleBinding retail/shop",
    "Secret retail/shop-agent",
    "Secret retail/shop-app",
    "Secret retail/shop-ca",
    "Secret retail/shop-root",
    "Secret retail/shop-system",
    "Secret retail/shop-tls",
    "Service retail/shop",
    "Service retail/shop-instances",
    "Service retail/shop-primary",
    "Service retail/shop-replicas",
    "ServiceAccount retail/shop",
    "StatefulSet retail/shop-0",
    "StatefulSet retail/shop-1",
    "StatefulSet retail/shop-2",
  ]);
  expect(cluster()?.status).toMatchObject({
    phase: "Creating",
    ready: "0/3",
    instances: 3,
    observedGeneration: 1,
  });
  expect(condition("Ready")).toMatchObject({ status: "False", reason: "NoPrimary" });
  expect(events()).toEqual(["Created"]);
});

test("every object is owned by the cluster when its volumes go with it", async () => {
  kube.put(sample({ deletion: { volumes: "delete" } }));
  await reconcile(ports, KEY);
  const strays = [...kube.objects.values()].filter(({ kind, metadata }) => {
    return (
      !["MySQLCluster", "Event"].includes(kind) &&
      metadata.ownerReferences?.[0]?.uid !== sample().metadata.uid
    );
  });
  expect(strays.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([]);
});

test("finalizer and cluster id are on the object before an agent hears of it", async () => {
  await ready();
  const annotations = cluster()?.metadata.annotations ?? {};
  expect(cluster()?.metadata.finalizers).toEqual(["porpoise.dev/cleanup"]);
  const told = [...agents.intents.values()].flat();
  expect(new Set(told.map(({ clusterId }) => clusterId))).toEqual(
    new Set([annotations["porpoise.dev/cluster-id"]]),
  );
  expect(told).toHaveLength(3);
});

test("with a primary and every instance serving the cluster is Ready, and the sweep is enough", async () => {
  await ready();
  expect(await reconcile(ports, KEY)).toBeUndefined();
  expect(cluster()?.status).toMatchObject({
    phase: "Ready",
    primary: "shop-0",
    ready: "3/3",
    term: 1,
    version: "9.7.4",
  });
  expect(condition("Ready")?.status).toBe("True");
});

test("a primary was seen: the agents are told so, once each, and never to bootstrap again", async () => {
  await ready();
  expect(cluster()?.metadata.annotations?.["porpoise.dev/initialised"]).toBe("true");
  for (let i = 0; i < 3; i++) await reconcile(ports, KEY);
  for (const intents of agents.intents.values()) {
    expect(intents.map(({ initialised }) => initialised)).toEqual([false, true]);
  }
});

test("a wiped status neither bootstraps again nor changes the id", async () => {
  await ready();
  const id = cluster()?.metadata.annotations?.["porpoise.dev/cluster-id"];
  const wiped = { ...cluster()!, status: undefined };
  kube.put(wiped);
  agents.intents.clear();
  await reconcile(ports, KEY);
  const told = [...agents.intents.values()].flat();
  expect(told.every(({ initialised, clusterId }) => initialised && clusterId === id)).toBe(true);
  expect(cluster()?.status).toMatchObject({ phase: "Ready", clusterId: id });
});

test("lost annotations come back from the Secret and the status", async () => {
  await ready();
  const id = cluster()?.metadata.annotations?.["porpoise.dev/cluster-id"];
  const stored = cluster()!;
  kube.put({ ...stored, metadata: { ...stored.metadata, annotations: {} } });
  await reconcile(ports, KEY);
  expect(cluster()?.metadata.annotations).toEqual({
    "porpoise.dev/cluster-id": id,
    "porpoise.dev/initialised": "true",
  });
});

test("a second run changes no password and no key", async () => {
  await ready();
  const before = kube.all("Secret").map((secret) => (secret as Secret).data);
  nowMs += 60_000;
  await reconcile(ports, KEY);
  expect(kube.all("Secret").map((secret) => (secret as Secret).data)).toEqual(before);
  expect(text(kube.find("Secret retail/shop-system"), "password")).toMatch(/^[A-Za-z][\w-]{23}$/);
});

test("a quiet cluster is left alone: no apply and no status write between sweeps", async () => {
  await ready();
  await reconcile(ports, KEY);
  kube.calls.length = 0;
  await reconcile(ports, KEY);
  expect(kube.calls).toEqual([]);
  nowMs += 30_000;
  await reconcile(ports, KEY);
  expect(kube.calls.filter((call) => call.startsWith("apply"))).not.toHaveLength(0);
});

test("a deleted StatefulSet comes back at the next run", async () => {
  await ready();
  kube.objects.delete("StatefulSet retail/shop-1");
  await reconcile(ports, KEY);
  expect(kube.find("StatefulSet retail/shop-1")).toBeDefined();
});

test("a failover is seen: FailingOver without a primary, then the new one", async () => {
  await ready();
  agents.members.delete("shop-0");
  agents.members.set("shop-1", member("shop-1"));
  expect(await reconcile(ports, KEY)).toEqual({ requeueAfterMs: 1_000 });
  expect(cluster()?.status).toMatchObject({ phase: "FailingOver" });
  expect(cluster()?.status?.primary).toBeUndefined();
  const record = {
    at: "2026-11-21T12:00:01Z",
    term: 2,
    from: "shop-0",
    to: "shop-1",
    reason: "mysqld-died" as const,
  };
  const lastFailover = { ...record, phasesMs: { election: 200, drain: 150, open: 90 } };
  agents.members.set("shop-1", member("shop-1", { role: "primary", term: 2, lastFailover }));
  await reconcile(ports, KEY);
  expect(cluster()?.status).toMatchObject({
    phase: "Degraded",
    primary: "shop-1",
    term: 2,
    lastFailover: { from: "shop-0", to: "shop-1", reason: "mysqld-died", outage: "440ms" },
  });
});

test("quorum lost and regained are told once", async () => {
  await ready();
  agents.members.delete("shop-0");
  agents.members.delete("shop-1");
  await reconcile(ports, KEY);
  await reconcile(ports, KEY);
  expect(condition("Available")).toMatchObject({ status: "False", reason: "NoQuorum" });
  serve("shop-2", 2);
  await reconcile(ports, KEY);
  expect(events()).toEqual(["Created", "QuorumLost", "QuorumRegained"]);
});

test("a refused spec is Stalled, says why in the webhooks' words, and nothing is made", async () => {
  const rule = () => [
    refuse(["spec", "config", "log_bin"], "belongs to Porpoise", { got: "OFF", remedy: "Remove it." }),
  ];
  kube.put(sample());
  expect(await reconcile({ ...ports, rules: rule }, KEY)).toBeUndefined();
  expect(condition("Stalled")).toMatchObject({
    status: "True",
    reason: "Refused",
    message: "spec.config.log_bin: belongs to Porpoise; got OFF. Remove it.",
  });
  expect(cluster()?.status?.phase).toBe("Failed");
  expect(kube.all("StatefulSet")).toEqual([]);
  await reconcile({ ...ports, rules: rule }, KEY);
  expect(events()).toEqual(["Refused"]);
  await reconcile(ports, KEY);
  expect(condition("Stalled")?.status).toBe("False");
});

test("what Kubernetes refuses hides nothing else: the rest is applied, the status written, the run fails", async () => {
  kube.put(sample());
  kube.refused.add("Service retail/shop-replicas");
  await expect(reconcile(ports, KEY)).rejects.toThrow(
    "apply Service retail/shop-replicas: refused by the test",
  );
  expect(kube.find("StatefulSet retail/shop-2")).toBeDefined();
  expect(cluster()?.status?.phase).toBe("Creating");
});

test("paused: hands off", async () => {
  kube.put(sample({ paused: true }));
  await reconcile(ports, KEY);
  expect(cluster()?.status?.phase).toBe("Paused");
  expect(kube.all("StatefulSet")).toEqual([]);
});

test("an option that needs a restart is said, not done; an online one goes to the agents", async () => {
  await ready();
  const pod = kube.find("Pod retail/shop-0-0")!;
  const annotations = { "porpoise.dev/config": JSON.stringify({ innodb_page_cleaners: "1" }) };
  kube.put({ ...pod, metadata: { ...pod.metadata, annotations } });
  kube.put({
    ...cluster()!,
    spec: { config: { innodb_page_cleaners: 4, max_connections: 77 } },
  } as MySQLCluster);
  await reconcile(ports, KEY);
  expect(condition("ConfigApplied")).toMatchObject({ status: "False", reason: "RestartPending" });
  expect(condition("ConfigApplied")?.message).toContain("innodb_page_cleaners");
  expect(condition("Ready")?.status).toBe("True");
  const last = [...agents.intents.values()][0]?.at(-1);
  expect(last?.onlineConfig["max_connections"]).toBe("77");
  expect(last?.onlineConfig["innodb_page_cleaners"]).toBeUndefined();
});

test.each([
  { volumes: "retain" as const, left: ["data-shop-0-0"] },
  { volumes: "delete" as const, left: [] },
])(
  "deletion with volumes: $volumes waits for the pods, then takes slices and releases the object",
  async ({ volumes, left }) => {
    kube.put(sample({ deletion: { volumes } }));
    await reconcile(ports, KEY);
    runPods();
    const labels = { "porpoise.dev/cluster": "shop" };
    kube.put({
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: "data-shop-0-0", namespace: "retail", labels },
    });
    for (const name of ["shop-primary", "shop-replicas"]) {
      kube.put({
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: { name, namespace: "retail" },
      });
    }
    const stored = cluster()!;
    const deletionTimestamp = new Date(nowMs).toISOString();
    kube.put({ ...stored, metadata: { ...stored.metadata, deletionTimestamp } });

    expect(await reconcile(ports, KEY)).toEqual({ requeueAfterMs: 1_000 });
    expect(cluster()?.status?.phase).toBe("Deleting");
    expect(kube.all("StatefulSet")).toEqual([]);
    expect(kube.all("EndpointSlice")).toHaveLength(2); // A leader that goes down publishes once more.

    for (const pod of kube.all("Pod")) kube.objects.delete(`Pod retail/${pod.metadata.name}`);
    expect(await reconcile(ports, KEY)).toBeUndefined();
    expect(cluster()).toBeUndefined();
    expect(kube.all("EndpointSlice")).toEqual([]);
    expect(kube.all("PersistentVolumeClaim").map(({ metadata }) => metadata.name)).toEqual(left);
  },
);

test("a pod on a lost node does not hold a deletion for ever", async () => {
  await ready();
  const stored = cluster()!;
  kube.put({ ...stored, metadata: { ...stored.metadata, deletionTimestamp: new Date(nowMs).toISOString() } });
  await reconcile(ports, KEY);
  expect(cluster()).toBeDefined();
  nowMs += 181_000;
  await reconcile(ports, KEY);
  expect(cluster()).toBeUndefined();
});

test("a cluster that is gone needs nothing", async () => {
  expect(await reconcile(ports, KEY)).toBeUndefined();
  expect(kube.objects.size).toBe(0);
});
