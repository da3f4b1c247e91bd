/** From `kubectl apply` to Ready, and from `kubectl delete` to nothing but the data and its keys; and back again. */
import { afterAll, beforeAll, describe, expect } from "vitest";
import { names } from "../../api/names";
import { ANNOTATION } from "../../api/labels";
import { awaitHealthy, readCluster, readSecret, type ClusterRef } from "../../bench/cluster";
import { applyCluster, applyExample, deleteCluster, deleteNamespace } from "../../bench/fleet";
import { isGood, verdict, verdictText } from "../../bench/verdict";
import { waitFor } from "../../bench/waits";
import { Writers } from "../../bench/writers";
import { kubectl } from "../../sandbox/kube";
import { recordGap } from "./gaps";
import { LIFECYCLE_NAMESPACE as NS, story, WHOLE_MS } from "./shop";

const LIFE: ClusterRef = { namespace: NS, name: "shop" };
const PHOENIX: ClusterRef = { namespace: NS, name: "phoenix" };
const LONER: ClusterRef = { namespace: NS, name: "loner" };

const list = async (kinds: string, selector: string): Promise<string[]> => {
  const text = await kubectl(["-n", NS, "get", kinds, "-l", selector, "-o", "name", "--ignore-not-found"]);
  return text.split("\n").filter((line) => line !== "");
};

const OWNED =
  "pods,statefulsets,services,endpointslices,secrets,configmaps,poddisruptionbudgets,serviceaccounts,roles,rolebindings";

/** What outlives a cluster whose volumes are retained. */
const keptOf = ({ name }: ClusterRef): string[] => [
  ...[0, 1, 2].map((n) => `persistentvolumeclaim/${names.dataVolume(names.instance(name, n))}`),
  ...[names.appSecret(name), names.rootSecret(name), names.systemSecret(name)].map((key) => `secret/${key}`),
];

/** Waits until exactly this is left of a cluster. */
const awaitLeft = ({ name }: ClusterRef, wanted: readonly string[]): Promise<void> =>
  waitFor(`nothing left of ${name} but what stays`, { deadlineMs: 60_000, everyMs: 500 }, async () => {
    const left = await list(`${OWNED},persistentvolumeclaims`, `porpoise.dev/cluster=${name}`);
    return left.sort().join() === [...wanted].sort().join() ? { value: undefined } : left.join(", ");
  });

/** Clients write for a moment, with the credentials that the Secret has now. */
const write = async (ref: ClusterRef): Promise<Writers> => {
  const writers = await Writers.start(ref, { writers: 2 });
  await writers.awaitOk(Date.now() + 2_000, 30_000).finally(() => writers.stop());
  return writers;
};

afterAll(() => deleteNamespace(NS), 150_000);

describe("a cluster of three", () => {
  let appliedAt = 0;
  beforeAll(async () => {
    appliedAt = Date.now();
    await applyExample(NS);
  });

  story(
    "becomes Ready, and says so as Kubernetes' tools expect it",
    async () => {
      await kubectl(["-n", NS, "wait", "mysqlcluster/shop", "--for=condition=Ready", "--timeout=180s"], {
        timeoutMs: WHOLE_MS + 10_000,
      });
      recordGap("apply to Ready", Date.now() - appliedAt);
      const { cluster, pods } = await awaitHealthy(LIFE, { deadlineMs: WHOLE_MS });
      expect(cluster?.status).toMatchObject({ ready: "3/3", instances: 3, phase: "Ready" });
      const conditions = new Map(cluster?.status?.conditions?.map(({ type, status }) => [type, status]));
      for (const good of ["Ready", "Available", "FaultTolerant", "Replicating"])
        expect(conditions.get(good)).toBe("True");
      for (const bad of ["Reconciling", "Stalled"]) expect(conditions.get(bad)).toBe("False");
      expect(new Set(pods.map(({ node }) => node)).size, "one instance a node").toBe(3);
      const line = (await kubectl(["-n", NS, "get", "mysql", "shop", "--no-headers"])).split(/\s+/);
      expect(line.slice(0, 6)).toEqual([
        "shop",
        "raft",
        cluster?.status?.primary,
        "3/3",
        cluster?.status?.version,
        "Ready",
      ]);
    },
    LIFE,
  );

  story(
    "is deleted with all that it owns; the volumes and the Secrets that open them stay",
    async () => {
      await deleteCluster(LIFE);
      await awaitLeft(LIFE, keptOf(LIFE));
    },
    LIFE,
  );
});

describe("a cluster that is made again over its retained volumes", () => {
  story(
    "is the same cluster, with its data, passwords and id; with volumes: delete nothing is left of it",
    async () => {
      await applyCluster(PHOENIX, {});
      const { cluster: first } = await awaitHealthy(PHOENIX, { deadlineMs: WHOLE_MS });
      const id = first?.metadata.annotations?.[ANNOTATION.clusterId];
      const before = await write(PHOENIX);
      const { password } = await readSecret(NS, names.appSecret(PHOENIX.name));
      await deleteCluster(PHOENIX);
      await awaitLeft(PHOENIX, keptOf(PHOENIX));

      const appliedAt = Date.now();
      await applyCluster(PHOENIX, {});
      const { cluster: again } = await awaitHealthy(PHOENIX, { deadlineMs: WHOLE_MS });
      recordGap("apply over retained volumes to whole", Date.now() - appliedAt);
      expect(again?.metadata.uid).not.toBe(first?.metadata.uid);
      expect(again?.metadata.annotations?.[ANNOTATION.clusterId]).toBe(id);
      expect(again?.status?.term).toBeGreaterThan(first?.status?.term ?? 0);
      expect((await readSecret(NS, names.appSecret(PHOENIX.name))).password).toBe(password);
      const after = await write(PHOENIX);
      const runs = [before, after].map((writers) => ({ run: writers.run, entries: writers.entries() }));
      const judged = await verdict(PHOENIX, runs);
      expect(isGood(judged), verdictText(judged)).toBe(true);
      for (const { entries } of runs)
        expect(entries.filter(({ outcome }) => outcome === "ok").length).toBeGreaterThan(10);

      await applyCluster(PHOENIX, { deletion: { volumes: "delete" } });
      await deleteCluster(PHOENIX);
      await awaitLeft(PHOENIX, []);
      [before, after].forEach((writers) => writers.forget());
    },
    PHOENIX,
  );
});

describe("a cluster of one whose volumes are to go with it", () => {
  story(
    "becomes Ready without an election quorum to wait for, and leaves nothing",
    async () => {
      await applyCluster(LONER, { instances: 1, deletion: { volumes: "delete" } });
      await kubectl(["-n", NS, "wait", "mysqlcluster/loner", "--for=condition=Ready", "--timeout=180s"], {
        timeoutMs: WHOLE_MS + 10_000,
      });
      const tolerant = (await readCluster(LONER))?.status?.conditions?.find(
        ({ type }) => type === "FaultTolerant",
      );
      expect(tolerant).toMatchObject({ status: "False", reason: "SingleInstance" });
      await deleteCluster(LONER);
      await waitFor("everything gone, volumes too", { deadlineMs: 60_000, everyMs: 500 }, async () => {
        const left = await list(`${OWNED},persistentvolumeclaims`, `porpoise.dev/cluster=${LONER.name}`);
        return left.length === 0 ? { value: undefined } : left.join(", ");
      });
    },
    LONER,
  );
});
