/**
 * Deleting a cluster. Kubernetes' garbage collector removes what the cluster owns; here goes what it does not own:
 * the data EndpointSlices (the agents write them and know no UID) and, by policy, the volumes with their keys, which
 * else are made sure to stay. Level-triggered: each run does the next step that is still to be done, the last one
 * releases the object.
 */
import { ANNOTATION, FINALIZER, LABEL } from "../api/labels";
import { names } from "../api/names";
import type { Cluster } from "./cluster";
import { identityChange, keySecrets, ownersChange, parseIds } from "./keys";
import { freeVolumes, type OwningSet } from "./instances/volumes";
import type { Kube } from "./kube";
import { refOf, type KubeObject } from "./objects";
import type { RunResult } from "./queue";
import { changeSecret, type Secret } from "./secrets";

/** A pod on a lost node never ends by itself; the rest of the cluster must not wait for it for ever. */
const PODS_WAIT_MAX_MS = 180_000;
const POLL_MS = 1_000;

/** One run. @returns when to come again; undefined when the object is released. */
export async function tearDown(kube: Kube, cluster: Cluster, now: Date): Promise<RunResult | undefined> {
  const { name, namespace, finalizers = [], resourceVersion, deletionTimestamp = "" } = cluster.metadata;
  if (!finalizers.includes(FINALIZER)) return undefined;
  const labels = { [LABEL.cluster]: name, [LABEL.component]: "instance" };
  const sets = await kube.list<OwningSet>({
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    namespace,
    labels,
  });
  const isKept = cluster.spec.deletion.volumes === "retain";
  if (isKept && (await freeVolumes(kube, sets, await listClaims(kube, cluster))))
    return { requeueAfterMs: POLL_MS };
  await Promise.all(sets.map((set) => kube.delete(refOf(set))));
  const pods = await kube.list<KubeObject>({ apiVersion: "v1", kind: "Pod", namespace, labels });
  const waitedMs = now.getTime() - Date.parse(deletionTimestamp);
  // A leader that goes down publishes once more: slices removed before that would come back.
  if (sets.length + pods.length > 0 && waitedMs < PODS_WAIT_MAX_MS) return { requeueAfterMs: POLL_MS };
  await removeSlices(kube, cluster);
  if (cluster.spec.deletion.volumes === "retain") await keepKeys(kube, cluster);
  else if ((await removeData(kube, cluster)) > 0 && waitedMs < PODS_WAIT_MAX_MS)
    return { requeueAfterMs: POLL_MS };
  const rest = finalizers.filter((finalizer) => finalizer !== FINALIZER);
  await kube.patch(refOf(cluster), { metadata: { resourceVersion, finalizers: rest } });
  return undefined;
}

async function removeSlices(kube: Kube, { metadata: { name, namespace } }: Cluster): Promise<void> {
  const kind = { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", namespace };
  const labelled = await kube.list<KubeObject>({ ...kind, labels: { [LABEL.cluster]: name } });
  const pools = labelled.map(({ metadata }) => metadata.name);
  const slices = new Set([names.primarySlice(name), names.replicasSlice(name), ...pools]);
  await Promise.all([...slices].map((slice) => kube.delete({ ...kind, name: slice })));
}

/** No owner, and the word of what they open: whoever makes the cluster anew needs both. */
async function keepKeys(kube: Kube, cluster: Cluster): Promise<void> {
  const { annotations: known, name } = cluster.metadata;
  const clusterId = known?.[ANNOTATION.clusterId] ?? cluster.status?.clusterId;
  const initialised = known?.[ANNOTATION.initialised] === "true" || (cluster.status?.term ?? 0) >= 1;
  for (const secret of await listKeys(kube, cluster)) {
    const isSystem = secret.metadata.name === names.systemSecret(name) && clusterId !== undefined;
    const formerClusterIds = parseIds(known?.[ANNOTATION.formerClusterIds]);
    const identity = { clusterId: clusterId ?? "", initialised, formerClusterIds };
    const annotations = isSystem ? identityChange(secret, identity, true) : undefined;
    await changeSecret(kube, secret, { ownerReferences: ownersChange(cluster, secret), annotations });
  }
}

/**
 * The keys last: without them what is left could not be opened. Also volumes of instances that are gone: a
 * StatefulSet's own policy removes only its present ones. @returns how many volumes are still there.
 */
async function removeData(kube: Kube, cluster: Cluster): Promise<number> {
  await Promise.all((await listClaims(kube, cluster)).map((claim) => kube.delete(refOf(claim))));
  const left = (await listClaims(kube, cluster)).length;
  if (left === 0)
    await Promise.all((await listKeys(kube, cluster)).map((secret) => kube.delete(refOf(secret))));
  return left;
}

function listClaims(kube: Kube, { metadata: { name, namespace } }: Cluster): Promise<KubeObject[]> {
  const kind = { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace };
  return kube.list<KubeObject>({ ...kind, labels: { [LABEL.cluster]: name } });
}

async function listKeys(kube: Kube, { metadata: { name, namespace } }: Cluster): Promise<Secret[]> {
  const kind = { apiVersion: "v1", kind: "Secret", namespace };
  const secrets = await kube.list<Secret>({ ...kind, labels: { [LABEL.cluster]: name } });
  return secrets.filter(({ metadata }) => keySecrets(name).includes(metadata.name));
}
