/** A cluster made anew over the volumes of a former one; what stays and what goes. */
import { beforeEach, describe, expect, test } from "vitest";
import type { MySQLCluster } from "../api/mysqlcluster";
import { isBehind } from "./members/intent";
import { reconcile, type Ports } from "./reconcile";
import { FakeAgents, FakeKube, member, sample } from "./testing";
import { text, type Secret } from "./secrets";
import { portsOf } from "./world";

const KEY = "retail/shop";
const CLUSTER = "MySQLCluster retail/shop";
const ID = "porpoise.dev/cluster-id";
const INITIALISED = "porpoise.dev/initialised";
const SECOND = { uid: "uid-2", creationTimestamp: "2026-11-22T00:00:00Z" };

let kube: FakeKube;
let agents: FakeAgents;
let ports: Ports;
let nowMs: number;

beforeEach(() => {
  kube = new FakeKube();
  agents = new FakeAgents();
  nowMs = Date.parse("2026-11-21T12:00:00Z");
  ports = portsOf(kube, agents, () => nowMs);
});

const cluster = () => kube.find<MySQLCluster>(CLUSTER);
const secret = (name: string) => kube.find<Secret>(`Secret retail/${name}`);
const idOf = () => cluster()?.metadata.annotations?.[ID];
const secretNames = () =>
  kube
    .all("Secret")
    .map(({ metadata }) => metadata.name)
    .sort();
const passwords = () =>
  ["shop-system", "shop-root", "shop-app"].map((name) => text(secret(name), "password"));
const intents = () => [...agents.intents.values()].flat();
const lastEvent = () => (kube.all("Event").at(-1) as unknown as { message: string }).message;
const message = (type: string) => cluster()?.status?.conditions?.find((one) => one.type === type)?.message;

/** Kubernetes' part: a pod and a volume for every StatefulSet, agents that answer. */
function run(primary?: string): void {
  const labels = (name: string) => ({ "porpoise.dev/cluster": "shop", "porpoise.dev/instance": name });
  for (const { metadata } of kube.all("StatefulSet")) {
    const place = { namespace: "retail", labels: { ...labels(metadata.name), ...metadata.labels } };
    const status = { phase: "Running", podIP: "10.0.0.1" };
    const pod = {
      ...place,
      name: `${metadata.name}-0`,
      uid: `pod-${metadata.name}-${cluster()?.metadata.uid}`,
    };
    kube.put({ apiVersion: "v1", kind: "Pod", metadata: pod, status } as never);
    const claim = { ...place, name: `data-${metadata.name}-0` };
    kube.put({ apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: claim });
    const role = metadata.name === primary ? "primary" : "replica";
    agents.members.set(metadata.name, member(metadata.name, { role, clusterId: idOf() }));
  }
}

async function make(spec: MySQLCluster["spec"] = {}): Promise<void> {
  kube.put(sample(spec));
  await reconcile(ports, KEY);
  run("shop-0");
  await reconcile(ports, KEY);
}

/** kubectl delete, with the garbage collector's part. */
async function remove(): Promise<void> {
  const { metadata } = cluster()!;
  kube.put({ ...cluster()!, metadata: { ...metadata, deletionTimestamp: new Date(nowMs).toISOString() } });
  await reconcile(ports, KEY);
  for (const pod of kube.all("Pod")) kube.objects.delete(`Pod retail/${pod.metadata.name}`);
  await reconcile(ports, KEY);
  expect(cluster()).toBeUndefined();
  for (const [key, object] of kube.objects)
    if (object.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid)) kube.objects.delete(key);
  agents.members.clear();
  agents.intents.clear();
}

const removeVolume = (instance: string) =>
  kube.objects.delete(`PersistentVolumeClaim retail/data-${instance}-0`);

describe("over retained volumes", () => {
  test("the same manifest brings the same cluster: id, passwords, never bootstrapped again", async () => {
    await make();
    const [id, before] = [idOf(), passwords()];
    await remove();
    expect(secretNames()).toEqual(["shop-app", "shop-root", "shop-system"]);
    expect(kube.all("PersistentVolumeClaim")).toHaveLength(3);

    kube.put(sample({}, SECOND));
    await reconcile(ports, KEY);
    expect(lastEvent()).toContain(`Cluster ${id} again, over the volumes of shop-0, shop-1, shop-2.`);
    expect(cluster()?.status?.phase).toBe("Creating");
    run();
    await reconcile(ports, KEY);
    expect(cluster()?.status?.phase).toBe("Creating");
    expect(idOf()).toBe(id);
    expect(passwords()).toEqual(before);
    expect(cluster()?.metadata.annotations?.[INITIALISED]).toBe("true");
    expect(intents()).toHaveLength(3);
    for (const intent of intents())
      expect(intent).toMatchObject({ clusterId: id, initialised: true, generation: 1, epoch: 1795305600000 });
  });

  test("the app's Secret tells the new CA", async () => {
    await make();
    const former = text(secret("shop-ca"), "ca.crt");
    await remove();
    kube.put(sample({}, SECOND));
    await reconcile(ports, KEY);
    const authority = text(secret("shop-ca"), "ca.crt");
    expect(authority).not.toBe(former);
    expect(text(secret("shop-app"), "ca.crt")).toBe(authority);
  });

  test("some volumes are gone: it is the old cluster, and the event says which begin empty", async () => {
    await make();
    const id = idOf();
    await remove();
    removeVolume("shop-1");
    kube.put(sample({}, SECOND));
    await reconcile(ports, KEY);
    expect(idOf()).toBe(id);
    expect(cluster()?.metadata.annotations?.[INITIALISED]).toBe("true");
    expect(lastEvent()).toContain("over the volumes of shop-0, shop-2. No volume of shop-1: begins empty.");
  });

  test("no volume is left: a new cluster with the old passwords, which is bootstrapped", async () => {
    await make();
    const [id, before] = [idOf(), passwords()];
    await remove();
    ["shop-0", "shop-1", "shop-2"].forEach(removeVolume);
    kube.put(sample({}, SECOND));
    await reconcile(ports, KEY);
    expect(idOf()).not.toBe(id);
    expect(cluster()?.metadata.annotations?.[INITIALISED]).toBeUndefined();
    expect(secret("shop-system")?.metadata.annotations).toEqual({ [ID]: idOf() });
    expect(passwords()).toEqual(before);
    expect(lastEvent()).toContain(`No volume of former cluster ${id}: a new one, same passwords.`);
    run();
    await reconcile(ports, KEY);
    expect(intents().map(({ initialised }) => initialised)).toEqual([false, false, false]);
  });

  test("a volume that is about to go is none", async () => {
    await make();
    const id = idOf();
    await remove();
    for (const claim of kube.all("PersistentVolumeClaim"))
      kube.put({ ...claim, metadata: { ...claim.metadata, deletionTimestamp: "2026-11-21T12:00:00Z" } });
    kube.put(sample({}, SECOND));
    await reconcile(ports, KEY);
    expect(idOf()).not.toBe(id);
  });

  test("a cluster that never had a primary may still be bootstrapped", async () => {
    kube.put(sample());
    await reconcile(ports, KEY);
    run();
    const id = idOf();
    await remove();
    expect(secret("shop-system")?.metadata.annotations).toEqual({ [ID]: id, [INITIALISED]: "false" });
    kube.put(sample({}, SECOND));
    await reconcile(ports, KEY);
    expect([idOf(), cluster()?.metadata.annotations?.[INITIALISED]]).toEqual([id, undefined]);
  });

  test("a finalizer taken off by force: a Secret that does not say so counts as that of a cluster with data", async () => {
    kube.put(sample());
    await reconcile(ports, KEY);
    run("shop-0");
    kube.objects.delete(CLUSTER);
    kube.put(sample({}, SECOND));
    await reconcile(ports, KEY);
    expect(cluster()?.metadata.annotations?.[INITIALISED]).toBe("true");
  });

  test("a system Secret restored by hand needs no label", async () => {
    await make();
    const id = idOf();
    await remove();
    const kept = secret("shop-system")!;
    kube.put({ ...kept, metadata: { ...kept.metadata, labels: undefined } });
    kube.put(sample({}, SECOND));
    await reconcile(ports, KEY);
    expect(idOf()).toBe(id);
  });
});

describe("whose the Secrets are follows the policy", () => {
  const owners = () =>
    ["shop-system", "shop-root", "shop-app"].map((name) =>
      secret(name)?.metadata.ownerReferences?.map(({ uid }) => uid),
    );
  const edit = (volumes: "retain" | "delete") =>
    kube.put({ ...cluster()!, spec: { deletion: { volumes } } } as MySQLCluster);

  test("on a live cluster at the next run, in both directions", async () => {
    await make();
    expect(owners()).toEqual([[], [], []]);
    const { uid = "" } = cluster()!.metadata;
    edit("delete");
    await reconcile(ports, KEY);
    expect(owners()).toEqual([[uid], [uid], [uid]]);
    edit("retain");
    await reconcile(ports, KEY);
    expect(owners()).toEqual([[], [], []]);
  });

  test("another's owner reference stays", async () => {
    await make();
    const other = { apiVersion: "v1", kind: "ConfigMap", name: "other", uid: "other" };
    const root = secret("shop-root")!;
    kube.put({ ...root, metadata: { ...root.metadata, ownerReferences: [other] } });
    edit("delete");
    await reconcile(ports, KEY);
    edit("retain");
    await reconcile(ports, KEY);
    expect(secret("shop-root")?.metadata.ownerReferences).toEqual([other]);
  });

  test("retain written a moment before the deletion: volumes are freed first, Secrets stay", async () => {
    await make({ deletion: { volumes: "delete" } });
    const set = { ...kube.find("StatefulSet retail/shop-0")! };
    kube.put({ ...set, metadata: { ...set.metadata, uid: "set-0" } });
    const claim = kube.find("PersistentVolumeClaim retail/data-shop-0-0")!;
    const owner = { apiVersion: "apps/v1", kind: "StatefulSet", name: "shop-0", uid: "set-0" };
    kube.put({ ...claim, metadata: { ...claim.metadata, ownerReferences: [owner] } });
    edit("retain");
    const { metadata } = cluster()!;
    kube.put({ ...cluster()!, metadata: { ...metadata, deletionTimestamp: new Date(nowMs).toISOString() } });
    expect(await reconcile(ports, KEY)).toEqual({ requeueAfterMs: 1_000 });
    expect(kube.find("StatefulSet retail/shop-0")).toMatchObject({
      spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain" } },
    });
    kube.put({ ...claim, metadata: { ...claim.metadata, ownerReferences: [] } }); // Kubernetes let go of it.
    await remove();
    expect(secretNames()).toEqual(["shop-app", "shop-root", "shop-system"]);
    expect(kube.all("PersistentVolumeClaim")).toHaveLength(3);
  });

  test("delete leaves neither volumes nor Secrets, also those retained before", async () => {
    await make();
    await remove();
    kube.put(sample({ deletion: { volumes: "delete" } }, SECOND));
    await reconcile(ports, KEY);
    await remove();
    expect([...kube.objects.keys()].filter((key) => !key.startsWith("Event "))).toEqual([]);
  });
});

test("volumes of another cluster: the condition says whose they are and what to do; nothing of theirs counts", async () => {
  kube.put(sample());
  await reconcile(ports, KEY);
  run("shop-0");
  for (const [name, known] of agents.members) agents.members.set(name, { ...known, clusterId: "old-id" });
  await reconcile(ports, KEY);
  const ready = cluster()?.status?.conditions?.find(({ type }) => type === "Ready");
  expect(ready).toMatchObject({ status: "False", reason: "Refused" });
  expect(message("Stalled")).toBe(
    `Volumes belong to another cluster than ${idOf()}: data-shop-0-0 of old-id, data-shop-1-0 of old-id, ` +
      "data-shop-2-0 of old-id. To keep their data, restore Secret shop-system and set annotation " +
      `${ID}=old-id; else delete them and their pods.`,
  );
  expect(cluster()?.status?.phase).toBe("Failed");
  await reconcile(ports, KEY);
  expect(cluster()?.status?.phase).toBe("Failed");
  expect(cluster()?.status?.term).toBeUndefined();
  expect(cluster()?.metadata.annotations?.[INITIALISED]).toBeUndefined(); // With new volumes it can begin.
});

test.each([
  { what: "an older object's", held: { epoch: 1, generation: 9 }, behind: true },
  { what: "an older generation", held: { epoch: 2, generation: 2 }, behind: true },
  { what: "none yet", held: { generation: 0 }, behind: true },
  { what: "the same", held: { epoch: 2, generation: 3 }, behind: false },
  { what: "the same, of an agent that knows no epochs", held: { generation: 3 }, behind: false },
])("a member that holds $what: behind = $behind", ({ held, behind }) => {
  expect(isBehind(held, { epoch: 2, generation: 3 })).toBe(behind);
});
