import { join } from "node:path";
import { expect, test } from "vitest";
import type { MySQLClusterSpec } from "../../api/mysqlcluster";
import { membersOf } from "../../api/members";
import { effective } from "../config/options";
import { groupCluster, memoryBytes } from "../cluster";
import { expectGolden, sample, settings } from "../testing";
import { access } from "./access";
import { disruptionBudget } from "./budget";
import { templateRevision } from "./pod";
import { statefulSet } from "./statefulset";
import { podTrouble } from "./trouble";

const golden = (name: string) => join(__dirname, "testdata", name);

function built(spec: MySQLClusterSpec = {}, name = "shop-0", uid?: string) {
  const whole = sample(spec, uid === undefined ? {} : { uid });
  const member = membersOf(whole).find((one) => one.name === name)!;
  const cluster = groupCluster(whole, member.group);
  const options = effective(cluster.spec.config, memoryBytes(cluster));
  return statefulSet({ cluster, member, options, settings });
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
  expectGolden([built(spec, "shop-2")], golden("full.yaml"));
});

test("a witness has no mysqld: a small volume, small resources, its role; the user's word on its pod", () => {
  const pod = { antiAffinity: "required" as const, nodeSelector: { zone: "c" } };
  const spec: MySQLClusterSpec = {
    instances: 2,
    resources: { requests: { memory: "16Gi" } },
    storage: { size: "200Gi", storageClass: "fast" },
    pod: { nodeSelector: { disk: "nvme" }, priorityClassName: "high" },
    witness: { pod },
  };
  expectGolden([built(spec, "shop-witness")], golden("witness.yaml"));
});

test("a read replica has its pool's resources, volume and my.cnf", () => {
  const spec: MySQLClusterSpec = {
    readReplicas: [
      {
        name: "reports",
        instances: 2,
        resources: { requests: { memory: "4Gi" }, limits: { memory: "4Gi" } },
        storage: { size: "50Gi" },
        pod: { labels: { team: "bi" } },
      },
    ],
  };
  expectGolden([built(spec, "shop-reports-1")], golden("pool.yaml"));
});

test.each<[string, MySQLClusterSpec, MySQLClusterSpec, boolean]>([
  ["nothing", {}, {}, true],
  ["an option", {}, { config: { innodb_page_cleaners: 2 } }, true],
  ["the disruption budget", {}, { pdb: { maxUnavailable: 2 } }, true],
  ["a witness", { instances: 2 }, { instances: 2, witness: {} }, true],
  [
    "keys in another order",
    { pod: { labels: { a: "1", b: "2" } } },
    { pod: { labels: { b: "2", a: "1" } } },
    true,
  ],
  ["memory", {}, { resources: { requests: { memory: "2Gi" } } }, false],
  ["the image", {}, { image: "x" }, false],
  ["the version", {}, { version: "9.7.4" }, false],
  ["a toleration", {}, { pod: { tolerations: [{ key: "db" }] } }, false],
])("the revision after a change of %s: the same is %s", (_, before, after, same) => {
  const revision = (spec: MySQLClusterSpec) =>
    built(spec).spec?.template.metadata?.annotations?.["porpoise.dev/revision"];
  expect(revision(before) === revision(after)).toBe(same);
});

test("a release of ours is no revision: it restarts no MySQL", () => {
  const cluster = sample();
  const other = { ...settings, porpoiseImage: "localhost/porpoise/porpoise:0.2.0" };
  expect(templateRevision({ cluster, settings: other })).toBe(templateRevision({ cluster, settings }));
});

test("what the pods may do, and no more", () => {
  const place = { cluster: sample(), name: "shop", namespace: "retail", clusterDomain: "cluster.local" };
  expectGolden(access(place, ["shop-0", "shop-1", "shop-2"]), golden("access.yaml"));
});

test("a volume claim that exists is sent as it is: Kubernetes refuses a changed one", () => {
  const before = built({ storage: { size: "10Gi" } });
  const cluster = sample({ storage: { size: "20Gi", storageClass: "other" } });
  const [member] = membersOf(cluster);
  const after = statefulSet({ cluster, member: member!, options: {}, settings }, before);
  expect(after.spec?.volumeClaimTemplates).toEqual(before.spec?.volumeClaimTemplates);
});

test("server ids differ between instances and between clusters", () => {
  const spec = { instances: 9, readReplicas: [{ name: "reports", instances: 2 }, { name: "eu" }] };
  const id = (uid: string, name: string) => {
    const env = built(spec, name, uid).spec?.template.spec?.containers[0]?.env ?? [];
    return Number(env.find((one) => one.name === "PORPOISE_SERVER_ID")?.value);
  };
  const instances = ["shop-0", "shop-1", "shop-8", "shop-reports-0", "shop-reports-1", "shop-eu-0"];
  const ids = ["a", "b", "c"].flatMap((uid) => instances.map((name) => id(uid, name)));
  expect(new Set(ids).size).toBe(18);
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

test("drains of read replicas are nobody's loss: the budget leaves them out", () => {
  const place = { cluster: sample(), name: "shop", namespace: "retail", clusterDomain: "cluster.local" };
  const [budget] = disruptionBudget(place, { voters: 3, maxUnavailable: 1, pools: ["reports"] });
  expect(budget?.spec?.selector?.matchExpressions).toEqual([
    { key: "porpoise.dev/pool", operator: "NotIn", values: ["reports"] },
  ]);
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
