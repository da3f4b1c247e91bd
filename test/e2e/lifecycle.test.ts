/** From `kubectl apply` to Ready, and from `kubectl delete` to nothing but the volumes. */
import { afterAll, beforeAll, describe, expect } from "vitest";
import { names } from "../../api/names";
import { awaitHealthy, readCluster, type ClusterRef } from "../../bench/cluster";
import { applyCluster, applyExample, deleteCluster, deleteNamespace } from "../../bench/fleet";
import { waitFor } from "../../bench/waits";
import { kubectl } from "../../sandbox/kube";
import { recordGap } from "./gaps";
import { LIFECYCLE_NAMESPACE as NS, story, WHOLE_MS } from "./shop";

const LIFE: ClusterRef = { namespace: NS, name: "shop" };
const LONER: ClusterRef = { namespace: NS, name: "loner" };

const list = async (kinds: string, selector: string): Promise<string[]> => {
  const text = await kubectl(["-n", NS, "get", kinds, "-l", selector, "-o", "name", "--ignore-not-found"]);
  return text.split("\n").filter((line) => line !== "");
};

const OWNED =
  "pods,statefulsets,services,endpointslices,secrets,configmaps,poddisruptionbudgets,serviceaccounts,roles,rolebindings";

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
    "is deleted with all that it owns; the volumes stay",
    async () => {
      await deleteCluster(LIFE);
      const selector = `porpoise.dev/cluster=${LIFE.name}`;
      await waitFor("everything gone", { deadlineMs: 60_000, everyMs: 500 }, async () => {
        const left = await list(OWNED, selector);
        return left.length === 0 ? { value: undefined } : left.join(", ");
      });
      const claims = (await list("persistentvolumeclaims", selector)).sort();
      const wanted = [0, 1, 2].map(
        (n) => `persistentvolumeclaim/${names.dataVolume(names.instance(LIFE.name, n))}`,
      );
      expect(claims).toEqual(wanted);
    },
    LIFE,
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
