/**
 * Deleting a cluster. Kubernetes' garbage collector removes what the cluster owns; here goes what it does not own:
 * the data EndpointSlices (the agents write them and know no UID) and, by policy, the volumes. Level-triggered:
 * each run does the next step that is still to be done, the last one releases the object.
 */
import { FINALIZER, LABEL } from "../api/labels";
import { names } from "../api/names";
import type { Cluster } from "./cluster";
import type { Kube } from "./kube";
import { refOf, type KubeObject } from "./objects";
import type { RunResult } from "./queue";

/** A pod on a lost node never ends by itself; the rest of the cluster must not wait for it for ever. */
const PODS_WAIT_MAX_MS = 180_000;
const POLL_MS = 1_000;

/** One run. @returns when to come again; undefined when the object is released. */
export async function tearDown(kube: Kube, cluster: Cluster, now: Date): Promise<RunResult | undefined> {
  const { name, namespace, finalizers = [], resourceVersion, deletionTimestamp = "" } = cluster.metadata;
  if (!finalizers.includes(FINALIZER)) return undefined;
  const labels = { [LABEL.cluster]: name, [LABEL.component]: "instance" };
  const sets = await kube.list<KubeObject>({ apiVersion: "apps/v1", kind: "StatefulSet", namespace, labels });
  await Promise.all(sets.map((set) => kube.delete(refOf(set))));
  const pods = await kube.list<KubeObject>({ apiVersion: "v1", kind: "Pod", namespace, labels });
  const waitedMs = now.getTime() - Date.parse(deletionTimestamp);
  // A leader that goes down publishes once more: slices removed before that would come back.
  if (sets.length + pods.length > 0 && waitedMs < PODS_WAIT_MAX_MS) return { requeueAfterMs: POLL_MS };
  await removeSlices(kube, cluster);
  if (cluster.spec.deletion.volumes === "delete") await removeVolumes(kube, cluster);
  const rest = finalizers.filter((finalizer) => finalizer !== FINALIZER);
  await kube.patch(refOf(cluster), { metadata: { resourceVersion, finalizers: rest } });
  return undefined;
}

async function removeSlices(kube: Kube, { metadata: { name, namespace } }: Cluster): Promise<void> {
  const kind = { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", namespace };
  const slices = [names.primarySlice(name), names.replicasSlice(name)];
  await Promise.all(slices.map((slice) => kube.delete({ ...kind, name: slice })));
}

/** Also those of instances that are gone: a StatefulSet's own policy removes only its present ones. */
async function removeVolumes(kube: Kube, { metadata: { name, namespace } }: Cluster): Promise<void> {
  const labels = { [LABEL.cluster]: name };
  const claims = await kube.list<KubeObject>({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    namespace,
    labels,
  });
  await Promise.all(claims.map((claim) => kube.delete(refOf(claim))));
}
