/** Makes and removes clusters for measurements and tests. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MYSQLCLUSTER_KIND } from "../api/mysqlcluster";
import { API_VERSION } from "../api/names";
import { CHECKOUT } from "../sandbox/config";
import { applyManifests, kubectl } from "../sandbox/kube";
import { readCluster, readPods, type ClusterRef } from "./cluster";
import { waitFor } from "./waits";

/** The cluster of the quickstart. */
export const EXAMPLE = join("examples", "cluster.yaml");

/** Applies the example's text, as `kubectl apply -f` does, in a namespace. */
export async function applyExample(namespace: string): Promise<void> {
  await ensureNamespace(namespace);
  await kubectl(["-n", namespace, "apply", "-f", join(CHECKOUT, EXAMPLE)]);
}

/** The example's text, for tests that change it. */
export const exampleText = (): string => readFileSync(join(CHECKOUT, EXAMPLE), "utf8");

/** Applies a cluster of its own spec. */
export async function applyCluster({ namespace, name }: ClusterRef, spec: object): Promise<void> {
  await ensureNamespace(namespace);
  await applyManifests([
    { apiVersion: API_VERSION, kind: MYSQLCLUSTER_KIND, metadata: { name, namespace }, spec },
  ]);
}

export async function ensureNamespace(name: string): Promise<void> {
  await applyManifests([{ apiVersion: "v1", kind: "Namespace", metadata: { name } }]);
}

/** Deletes a cluster and waits until its pods are gone. */
export async function deleteCluster(ref: ClusterRef, deadlineMs = 120_000): Promise<void> {
  const { namespace, name } = ref;
  await kubectl(["-n", namespace, "delete", "mysqlcluster", name, "--ignore-not-found", "--wait=false"]);
  await waitFor(`cluster ${namespace}/${name} gone`, { deadlineMs, everyMs: 250 }, async () => {
    if (await readCluster(ref)) return "the MySQLCluster is still there";
    const pods = await readPods(ref);
    return pods.length === 0 ? { value: undefined } : `${pods.length} pods are still there`;
  });
}

/** Deletes a namespace with all that is in it, volumes too. */
export async function deleteNamespace(name: string, deadlineMs = 120_000): Promise<void> {
  await kubectl(["delete", "namespace", name, "--ignore-not-found", "--wait=false"]);
  await waitFor(`namespace ${name} gone`, { deadlineMs, everyMs: 500 }, async () => {
    const left = await kubectl(["get", "namespace", name, "--ignore-not-found", "-o", "name"]);
    return left.trim() === "" ? { value: undefined } : "it is still there";
  });
}
