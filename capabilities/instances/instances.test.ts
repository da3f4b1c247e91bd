import { join } from "node:path";
import { expect, test } from "vitest";
import type { MySQLClusterSpec } from "../../api/mysqlcluster";
import { effective } from "../config/options";
import { memoryBytes } from "../cluster";
import { expectGolden, sample, settings } from "../testing";
import { access } from "./access";
import { disruptionBudget } from "./budget";
import { statefulSet } from "./statefulset";
import { podTrouble } from "./trouble";

const golden = (name: string) => join(__dirname, "testdata", name);

function built(spec: MySQLClusterSpec = {}, ordinal = 0) {
  const cluster = sample(spec);
  const options = effective(cluster.spec.config, memoryBytes(cluster));
  return statefulSet({ cluster, name: `shop-${ordinal}`, ordinal, options, settings });
}

test("the StatefulSet of an instance of the smallest cluster", () => {
  expectGolden([built()], golden("smallest.yaml"));
});

test("the user's fields reach the pod", () => {
  const spec: MySQLClusterSpec = {
    version: "9.7.4",
    image: "example/mysql:9.7.4",
    imagePullSecrets: [{ name: "registry" }],
    resources: { requests: { cpu: 4, memory: "16Gi" }, limits: { memory: "16Gi" } },
    storage: { size: "200Gi", storageClass: "fast" },
    config: { max_connections: 800, "innodb-buffer-pool-size": "70%", skip_name_resolve: true },
    pod: {
      labels: { team: "retail", "porpoise.dev/instance": "forged" },
      annotations: { note: "x" },
      antiAffinity: "required",
      topologyKey: "topology.kubernetes.io/zone",
      nodeSelector: { disk: "nvme" },
      tolerations: [{ key: "db", operator: "Exists" }],
      priorityClassName: "high",
      terminationGracePeriodSeconds: 300,
      env: [{ name: "TZ", value: "UTC" }],
    },
    deletion: { volumes: "delete" },
  };
  expectGolden([built(spec, 2)], golden("full.yaml"));
});

test("what the pods may do, and no more", () => {
  const place = { cluster: sample(), name: "shop", namespace: "retail", clusterDomain: "cluster.local" };
  expectGolden(access(place, ["shop-0", "shop-1", "shop-2"]), golden("access.yaml"));
});

test("a volume claim that exists is sent as it is: Kubernetes refuses a changed one", () => {
  const before = built({ storage: { size: "10Gi" } });
  const cluster = sample({ storage: { size: "20Gi", storageClass: "other" } });
  const after = statefulSet({ cluster, name: "shop-0", ordinal: 0, options: {}, settings }, before);
  expect(after.spec?.volumeClaimTemplates).toEqual(before.spec?.volumeClaimTemplates);
});

test("server ids differ between instances and between clusters", () => {
  const id = (uid: string, ordinal: number) => {
    const set = statefulSet({ cluster: sample({}, { uid }), name: "shop-0", ordinal, options: {}, settings });
    const env = set.spec?.template.spec?.containers[0]?.env ?? [];
    return Number(env.find(({ name }) => name === "PORPOISE_SERVER_ID")?.value);
  };
  const ids = ["a", "b", "c"].flatMap((uid) => [0, 1, 8].map((ordinal) => id(uid, ordinal)));
  expect(new Set(ids).size).toBe(9);
  expect(ids.every((one) => one >= 1 && one < 2 ** 32)).toBe(true);
});

test.each([
  { voters: 1, budgets: 0 },
  { voters: 2, budgets: 0 },
  { voters: 3, budgets: 1 },
])("$voters voters have $budgets disruption budget", ({ voters, budgets }) => {
  const place = { cluster: sample(), name: "shop", namespace: "retail", clusterDomain: "cluster.local" };
  expect(disruptionBudget(place, { voters, maxUnavailable: 1 })).toHaveLength(budgets);
});

test.each([
  {
    name: "no node fits",
    status: { conditions: [{ type: "PodScheduled", status: "False", message: "0/3 nodes" }] },
    reason: "Unschedulable",
  },
  {
    name: "image not there",
    status: { containerStatuses: [waiting("ErrImagePull")] },
    reason: "ImagePull",
  },
  {
    name: "init container's image not there",
    status: {
      initContainerStatuses: [waiting("ImagePullBackOff")],
      containerStatuses: [waiting("PodInitializing")],
    },
    reason: "ImagePull",
  },
  {
    name: "crashes",
    status: { containerStatuses: [waiting("CrashLoopBackOff")] },
    reason: "CrashLoopBackOff",
  },
  {
    name: "is being started",
    status: { containerStatuses: [waiting("ContainerCreating")] },
    reason: undefined,
  },
  { name: "nothing known", status: undefined, reason: undefined },
])("a pod's trouble: $name", ({ status, reason }) => {
  expect(podTrouble({ status: status as never })?.reason).toBe(reason);
});

function waiting(reason: string) {
  return { name: "c", state: { waiting: { reason, message: "why" } } };
}
