/** What is refused, by the real API server and the real webhooks, in the words of api.md. Nothing is stored. */
import { beforeAll, describe, expect, test } from "vitest";
import { MYSQLCLUSTER_KIND } from "../../api/mysqlcluster";
import { API_VERSION } from "../../api/names";
import { kubectl } from "../../sandbox/kube";
import { NAMESPACE, wholeShop } from "./shop";

interface Case {
  readonly says: string;
  readonly spec?: object;
  /** Default "trial": a cluster that does not exist. "shop" does. */
  readonly name?: string;
}

const manifest = ({ name = "trial", spec = {} }: Pick<Case, "name" | "spec">): object => ({
  apiVersion: API_VERSION,
  kind: MYSQLCLUSTER_KIND,
  metadata: { name, namespace: NAMESPACE },
  spec,
});

const apply = (one: Pick<Case, "name" | "spec">): Promise<string> =>
  kubectl(["apply", "--dry-run=server", "-f", "-"], { input: JSON.stringify(manifest(one)) });

const refusal = async (work: Promise<string>): Promise<string> =>
  work.then(
    (output) => `not refused: ${output}`,
    (cause: unknown) => String(cause),
  );

beforeAll(async () => {
  await wholeShop();
}, 240_000);

/** C of api.md: by the schema, which needs no webhook. */
const SCHEMA: Case[] = [
  { spec: { instances: 0 }, says: "spec.instances: must be 1 to 9; got 0. Set 1, 3, 5, 7 or 9." },
  { spec: { instances: 10 }, says: "spec.instances: must be 1 to 9; got 10. Set 1, 3, 5, 7 or 9." },
  {
    name: "a".repeat(41),
    says: "metadata.name: must be a DNS label of at most 32 characters; got 41. Shorten it.",
  },
  {
    spec: { failover: { electionTimeout: "300ms" } },
    says: "spec.failover.electionTimeout: must be 4 x heartbeat or more; got 300ms. Set 600ms.",
  },
  {
    spec: { instances: 3, witness: {} },
    says: "spec.witness: needs an even number of instances; got 3. Remove it, or set 2 or 4.",
  },
  {
    spec: { readReplicas: [{ name: "primary" }] },
    says: "spec.readReplicas.name: reserved; got primary. Choose another.",
  },
  {
    name: "shop",
    spec: { topology: "group" },
    says: "spec.topology: cannot change to or from group; got raft -> group. Make a new cluster with replicaOf, promote it.",
  },
  {
    name: "shop",
    spec: { storage: { accessModes: ["ReadWriteOncePod"] } },
    says: "spec.storage.accessModes: fixed at creation. Make a new cluster.",
  },
];

/** W of api.md: by the webhook. */
const WEBHOOK: Case[] = [
  {
    spec: { config: { log_bin: "OFF" } },
    says: "spec.config.log_bin: belongs to Porpoise; got OFF. Remove it.",
  },
  {
    spec: { config: { "rpl-semi-sync-source-enabled": false } },
    says: "spec.config.rpl-semi-sync-source-enabled: belongs to Porpoise; got OFF. Remove it.",
  },
  {
    spec: { config: { innodb_log_file_size: "1G" } },
    says: "spec.config.innodb_log_file_size: unknown to MySQL 9.7.4. Use innodb_redo_log_capacity.",
  },
  {
    spec: {
      resources: { requests: { memory: "16Gi" }, limits: { memory: "16Gi" } },
      config: { innodb_buffer_pool_size: "20G" },
    },
    says: "spec.config.innodb_buffer_pool_size: exceeds memory 16Gi; got 20G. Set 12G or less.",
  },
  { spec: { version: "9.8" }, says: "spec.version: not known; got 9.8. Known: 9.7." },
  { spec: { topology: "async" }, says: "spec.topology: not supported yet; got async. Use raft." },
  {
    spec: { pod: { labels: { "porpoise.dev/role": "primary" } } },
    says: "spec.pod.labels[porpoise.dev/role]: reserved; got porpoise.dev/role. Choose another.",
  },
  {
    name: "shop",
    spec: { storage: { size: "1Gi" } },
    says: "spec.storage.size: volumes cannot shrink; got 10Gi -> 1Gi. Put it back.",
  },
];

const title = ({ says }: Case): string => says;

describe("a bad MySQLCluster is denied by its schema", () => {
  test.each(SCHEMA.map((one) => ({ ...one, title: title(one) })))("$title", async (one) => {
    expect(await refusal(apply(one))).toContain(one.says);
  });
});

describe("a bad MySQLCluster is denied by the webhook", () => {
  test.each(WEBHOOK.map((one) => ({ ...one, title: title(one) })))("$title", async (one) => {
    const text = await refusal(apply(one));
    expect(text).toContain("denied the request");
    expect(text).toContain(one.says);
  });
});

test("every problem is told at once", async () => {
  const text = await refusal(apply({ spec: { version: "9.8", config: { log_bin: "OFF" } } }));
  expect(text).toContain("spec.version: not known; got 9.8. Known: 9.7.");
  expect(text).toContain("spec.config.log_bin: belongs to Porpoise; got OFF. Remove it.");
});

test("kubectl scale is denied by the schema: /scale reaches no webhook", async () => {
  const text = await refusal(kubectl(["-n", NAMESPACE, "scale", "mysqlcluster", "shop", "--replicas=10"]));
  expect(text).toContain("spec.instances: must be 1 to 9; got 10. Set 1, 3, 5, 7 or 9.");
});

test("a protected cluster is not deleted until the protection is taken away", async () => {
  const protect = async (on: boolean): Promise<void> => {
    const patch = JSON.stringify({ spec: { deletion: { protect: on } } });
    await kubectl(["-n", NAMESPACE, "patch", "mysqlcluster", "shop", "--type=merge", "-p", patch]);
  };
  await protect(true);
  try {
    const text = await refusal(
      kubectl(["-n", NAMESPACE, "delete", "mysqlcluster", "shop", "--wait=false", "--dry-run=server"]),
    );
    expect(text).toContain("shop is protected: not deleted. Set spec.deletion.protect: false first.");
  } finally {
    await protect(false);
  }
});

test("an empty spec is given what it needs, and nothing of it is stored in a dry run", async () => {
  const input = JSON.stringify(manifest({}));
  const text = await kubectl(["apply", "--dry-run=server", "-o", "json", "-f", "-"], { input });
  const stored = JSON.parse(text) as {
    metadata: { finalizers?: string[]; labels?: Record<string, string> };
    spec: object;
  };
  expect(stored.metadata.finalizers).toContain("porpoise.dev/cleanup");
  expect(stored.metadata.labels).toMatchObject({ "porpoise.dev/cluster": "trial" });
  expect(stored.spec).toMatchObject({ instances: 3, topology: "raft", version: "9.7" });
});
