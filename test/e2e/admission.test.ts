/**
 * A bad MySQLCluster is refused by the real API server with the exact text of api.md: CEL rules by the CRD alone, the
 * rest by Porpoise's webhook. Nothing is stored but the cluster whose changes are tried, and that one is paused.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MySQLClusterSpec } from "../../api/mysqlcluster";
import { applyManifests, kubectl } from "../../sandbox/kube";

/** Its own each time: the last run's may still be terminating. */
const NAMESPACE = `admission-${Date.now().toString(36)}`;

function manifest(name: string, spec: MySQLClusterSpec): object {
  return {
    apiVersion: "porpoise.dev/v1",
    kind: "MySQLCluster",
    metadata: { name, namespace: NAMESPACE },
    spec,
  };
}

/** What the API server says to it, without storing it. */
async function refusal(name: string, spec: MySQLClusterSpec): Promise<string> {
  const input = JSON.stringify(manifest(name, spec));
  try {
    await kubectl(["apply", "--dry-run=server", "-f", "-"], { input });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "accepted";
}

beforeAll(async () => {
  await applyManifests([{ apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } }]);
  await applyManifests([manifest("here", { paused: true, config: { lower_case_table_names: 1 } })]);
});

afterAll(async () => {
  await kubectl(["delete", "namespace", NAMESPACE, "--wait=false"]);
});

describe("CEL, whatever runs", () => {
  test.each<[string, MySQLClusterSpec, string]>([
    ["shop", { instances: 0 }, "spec.instances: must be 1 to 9; got 0. Set 1, 3, 5, 7 or 9."],
    ["shop", { instances: 10 }, "spec.instances: must be 1 to 9; got 10. Set 1, 3, 5, 7 or 9."],
    ["s".repeat(41), {}, "metadata.name: must be a DNS label of at most 32 characters; got 41. Shorten it."],
    ["1shop", {}, "got 1shop. Use small letters, digits and dashes, a letter first."],
    [
      "shop",
      { failover: { electionTimeout: "300ms" } },
      "spec.failover.electionTimeout: must be 4 x heartbeat or more; got 300ms. Set 600ms.",
    ],
    [
      "shop",
      { failover: { heartbeat: "2s", electionTimeout: "7s" } },
      "must be 4 x heartbeat or more; got 7s. Set 8s.",
    ],
    [
      "here",
      { instances: 5 },
      "spec.instances: changing it is not supported yet; got 3 -> 5. Make a new cluster of that size.",
    ],
    [
      "here",
      { topology: "group" },
      "spec.topology: cannot change to or from group; got raft -> group. Make a new cluster with replicaOf, promote it.",
    ],
    [
      "here",
      { storage: { accessModes: ["ReadWriteOncePod"] } },
      "spec.storage.accessModes: fixed at creation. Make a new cluster.",
    ],
  ])("%s %j", async (name, spec, text) => expect(await refusal(name, spec)).toContain(text));

  test("/scale obeys as well", async () => {
    const scaled = kubectl(["-n", NAMESPACE, "scale", "mysql", "here", "--replicas=5"]);
    await expect(scaled).rejects.toThrow("spec.instances: changing it is not supported yet; got 3 -> 5.");
  });
});

describe("webhook", () => {
  test.each<[string, MySQLClusterSpec, string]>([
    ["shop", { topology: "group" }, "spec.topology: not supported yet; got group. Use raft."],
    ["shop", { version: "9.8" }, "spec.version: not known; got 9.8. Known: 9.7."],
    ["shop", { config: { log_bin: false } }, "spec.config.log_bin: belongs to Porpoise; got OFF. Remove it."],
    [
      "shop",
      { config: { "loose-skip-log-bin": true } },
      "spec.config.loose-skip-log-bin: belongs to Porpoise; got ON. Remove it.",
    ],
    [
      "shop",
      { config: { innodb_log_file_size: "1G" } },
      "spec.config.innodb_log_file_size: unknown to MySQL 9.7.4. Use innodb_redo_log_capacity.",
    ],
    [
      "shop",
      { resources: { limits: { memory: "16Gi" } }, config: { innodb_buffer_pool_size: "20G" } },
      "spec.config.innodb_buffer_pool_size: exceeds memory 16Gi; got 20G. Set 12G or less.",
    ],
    [
      "shop",
      { pod: { env: [{ name: "NODE_OPTIONS", value: "-r x" }] } },
      "spec.pod.env[0].name: reserved; got NODE_OPTIONS. Choose another.",
    ],
    [
      "here",
      { config: {}, version: "8.4" },
      "spec.version: cannot go back; got 9.7 -> 8.4. Restore an 8.4 backup.",
    ],
    [
      "here",
      { storage: { size: "1Gi" } },
      "spec.storage.size: volumes cannot shrink; got 10Gi -> 1Gi. Put it back.",
    ],
    [
      "here",
      { config: { lower_case_table_names: 0 } },
      "spec.config.lower_case_table_names: fixed at creation. Make a new cluster.",
    ],
  ])("%s %j", async (name, spec, text) =>
    expect(await refusal(name, { paused: true, ...spec })).toContain(text),
  );

  test("a protected cluster is not deleted until it is unprotected", async () => {
    const protect = (on: boolean): MySQLClusterSpec => ({
      paused: true,
      config: { lower_case_table_names: 1 },
      deletion: { protect: on },
    });
    await applyManifests([manifest("here", protect(true))]);
    const deleted = kubectl(["-n", NAMESPACE, "delete", "mysql", "here", "--wait=false"]);
    await expect(deleted).rejects.toThrow(
      "here is protected: not deleted. Set spec.deletion.protect: false first.",
    );
    await applyManifests([manifest("here", protect(false))]);
  });
});
