/** Members that come and go, a recovered cluster: whole runs of the controller. */
import { beforeEach, describe, expect, test } from "vitest";
import type { MemberStatus } from "../api/agent";
import { member, sample } from "./testing";
import { World, VOTERS } from "./world";

let w: World;

beforeEach(() => {
  w = new World();
});

describe("scale out", () => {
  test("new StatefulSets at once; Scaling until the newcomers vote", async () => {
    await w.ready();
    w.change({ instances: 5 });
    await w.run();
    expect(w.sets()).toEqual([...VOTERS, "shop-3", "shop-4"]);
    w.kubernetes();
    const membership = {
      kind: "add" as const,
      member: "shop-3.1",
      stage: "holding",
      since: "2026-11-21T12:00:00Z",
      waitsFor: "shop-3 to hold all that was committed",
    };
    w.serve(VOTERS, { membership });
    await w.run();
    expect(w.cluster().status).toMatchObject({ phase: "Updating", instances: 5 });
    expect(w.condition("Reconciling")).toEqual({
      status: "True",
      reason: "Scaling",
      message:
        "shop-3 joins: waits for shop-3 to hold all that was committed; shop-4 joins: its turn, after shop-3.",
    });
    w.serve([...VOTERS, "shop-3", "shop-4"]);
    await w.run();
    expect(w.cluster().status).toMatchObject({ phase: "Ready", ready: "5/5" });
  });

  test("every agent is told who is to be in, and as what", async () => {
    const readReplicas = [{ name: "hourago", delay: "1h" }];
    await w.ready({ instances: 2, witness: {}, readReplicas }, ["shop-0", "shop-1", "shop-witness"]);
    expect([...w.agents.intents.values()][0]?.at(-1)?.members).toEqual([
      { name: "shop-0", role: "voter" },
      { name: "shop-1", role: "voter" },
      { name: "shop-witness", role: "witness" },
      { name: "shop-hourago-0", role: "learner", pool: "hourago", delayMs: 3_600_000 },
    ]);
  });

  test("a StatefulSet of that name that belongs to another cluster is not taken", async () => {
    const labels = { "porpoise.dev/cluster": "shop-eu" };
    const metadata = { name: "shop-eu-0", namespace: "retail", labels };
    w.kube.put({ apiVersion: "apps/v1", kind: "StatefulSet", metadata });
    w.kube.put(sample({ readReplicas: [{ name: "eu" }] }));
    await expect(w.run()).rejects.toThrow(
      "StatefulSet shop-eu-0 belongs to cluster shop-eu: cluster shop cannot have it",
    );
  });
});

describe("scale in", () => {
  test("an instance goes only when the leader's configuration is without it, and it knows", async () => {
    await w.ready();
    w.change({ instances: 2 });
    w.serve(VOTERS, { generation: 1 });
    await w.run();
    expect(w.condition("Reconciling").message).toBe("shop-2 leaves: waits for shop-0 to hear of it.");
    w.serve(VOTERS);
    await w.run();
    expect(w.condition("Reconciling").message).toBe("shop-2 leaves: waits for shop-0 to let it go.");
    expect(w.cluster().status?.members?.[2]?.phase).toBe("leaves: waits for shop-0 to let it go");
    w.serve(["shop-0", "shop-1"]);
    w.agents.members.set(
      "shop-2",
      member("shop-2", { ...w.agents.members.get("shop-0"), ...named("shop-2") }),
    );
    await w.run();
    expect(w.sets()).toEqual(VOTERS); // Its own configuration still has it.
    expect(w.condition("Reconciling").message).toBe(
      "shop-2 leaves: waits for shop-2 to hear that it has no vote.",
    );
    w.agents.members.delete("shop-2");
    await w.run();
    expect(w.sets()).toEqual(["shop-0", "shop-1"]);
    expect(w.events("MemberRemoved")).toEqual([
      "shop-2 is removed: nobody counts on it any more. Its volume data-shop-2-0 stays.",
    ]);
    expect(w.deleted("PersistentVolumeClaim")).toEqual([]);
    await w.run();
    expect(w.cluster().status).toMatchObject({ phase: "Ready", ready: "2/2", instances: 2 });
  });

  /** Its own configuration is of before. */
  function named(name: string): Partial<MemberStatus> {
    const configuration = {
      term: 1,
      version: 0,
      voters: VOTERS.map((one) => `${one}.1`),
      witnesses: [],
      k: 1,
    };
    return { name, role: "replica", configuration };
  }

  test("without a primary nobody goes", async () => {
    await w.ready();
    w.change({ instances: 1 });
    w.agents.members.clear();
    await w.run();
    expect(w.sets()).toEqual(VOTERS);
    expect(w.cluster().status?.members?.at(-1)?.phase).toBe(
      "leaves: waits for a primary: only the voters can let it go",
    );
  });

  test("scaleIn delete takes the volume too; deletion.volumes delete alone does not", async () => {
    await w.ready({ deletion: { volumes: "delete" } });
    const uid = "set-2";
    const set = w.kube.find("StatefulSet retail/shop-2")!;
    w.kube.put({ ...set, metadata: { ...set.metadata, uid } });
    const owned = { name: "data-shop-2-0", namespace: "retail", ownerReferences: [{ uid } as never] };
    w.kube.put({ apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: owned });
    w.change({ instances: 2, deletion: { volumes: "delete" } });
    w.agents.members.delete("shop-2");
    w.serve(["shop-0", "shop-1"]);
    await w.run();
    expect(w.sets()).toContain("shop-2"); // Deleted now, it would take its volume with it.
    w.kube.put({
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { ...owned, ownerReferences: [] },
    });
    await w.run();
    expect(w.sets()).toEqual(["shop-0", "shop-1"]);
    expect(w.deleted("PersistentVolumeClaim")).toEqual([]);
    w.change({ instances: 1, storage: { scaleIn: "delete" } });
    w.kube.put({
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { ...owned, name: "data-shop-1-0", ownerReferences: [] },
    });
    w.agents.members.delete("shop-1");
    w.serve(["shop-0"]);
    await w.run();
    expect(w.deleted("PersistentVolumeClaim")).toEqual(["delete PersistentVolumeClaim retail/data-shop-1-0"]);
  });

  test("a pool goes at once, with its Service and slice: nobody counts on it", async () => {
    await w.ready({ readReplicas: [{ name: "reports" }] });
    expect(w.kube.find("Service retail/shop-reports")).toBeDefined();
    const slice = { name: "shop-reports", namespace: "retail" };
    w.kube.put({ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", metadata: slice });
    w.change({});
    w.serve(VOTERS);
    await w.run();
    expect(w.sets()).toEqual(VOTERS);
    expect(w.kube.find("Service retail/shop-reports")).toBeUndefined();
    expect(w.kube.all("EndpointSlice")).toEqual([]);
  });
});

describe("a recovery after the loss of the majority", () => {
  const NEW = "22222222-2222-4222-8222-222222222222";

  test("the leader's new id is adopted, and the others hear which one was before", async () => {
    await w.ready();
    const old = w.cluster().metadata.annotations?.["porpoise.dev/cluster-id"] ?? "";
    w.agents.members.clear();
    const recovered = { role: "primary" as const, clusterId: NEW, formerClusterIds: [old], term: 9 };
    w.agents.members.set("shop-1", member("shop-1", recovered));
    w.agents.members.set("shop-2", member("shop-2", { clusterId: old, ready: false }));
    await w.run();
    expect(w.cluster().metadata.annotations).toMatchObject({
      "porpoise.dev/cluster-id": NEW,
      "porpoise.dev/former-cluster-ids": old,
    });
    expect(w.events("Recovered")[0]).toContain(`cluster ${old} is ${NEW} now`);
    await w.run();
    const told = [...w.agents.intents.values()].map((intents) => intents.at(-1));
    expect(told).toEqual(
      expect.arrayContaining([expect.objectContaining({ clusterId: NEW, formerClusterIds: [old] })]),
    );
    expect(w.condition("Stalled").status).toBe("False"); // shop-2 is being rebuilt, not a stranger.
    expect(w.cluster().status).toMatchObject({ clusterId: NEW, formerClusterIds: [old], primary: "shop-1" });
    const secret = w.kube.find("Secret retail/shop-system");
    expect(secret?.metadata.annotations).toMatchObject({
      "porpoise.dev/cluster-id": NEW,
      "porpoise.dev/former-cluster-ids": old,
    });
  });

  test("a member that only says so, and does not lead, is not believed", async () => {
    await w.ready();
    const before = w.cluster().metadata.annotations;
    const claims = { clusterId: NEW, formerClusterIds: [before?.["porpoise.dev/cluster-id"] ?? ""] };
    w.agents.members.set("shop-2", member("shop-2", { ...claims, role: "replica" }));
    await w.run();
    expect(w.cluster().metadata.annotations).toEqual(before);
    expect(w.condition("Stalled").reason).toBe("Refused");
  });
});

test("a member that does not come back: since when, and what to do", async () => {
  await w.ready();
  w.agents.members.delete("shop-2");
  await w.run();
  const shop2 = () => w.cluster().status?.members?.find(({ name }) => name === "shop-2");
  expect(shop2()?.silentSince).toBe(new Date(w.nowMs).toISOString().replace(".000", ""));
  w.nowMs += 600_000;
  await w.run();
  expect(shop2()?.phase).toBe(
    "silent for 10m. If it is lost for good, replace it: kubectl delete pvc data-shop-2-0 --wait=false; kubectl delete pod shop-2-0 --force",
  );
  expect(w.condition("Replicating").message).toContain("kubectl delete pvc data-shop-2-0");
  w.serve(VOTERS);
  await w.run();
  expect(shop2()?.silentSince).toBeUndefined();
});
