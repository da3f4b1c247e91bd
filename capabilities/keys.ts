/**
 * The keys to the data live as long as the data. While volumes are retained, the Secrets with the passwords that lie
 * in them, and the cluster's id, stay too: without an owner, lest Kubernetes' garbage collector takes them. Pure.
 */
import { ANNOTATION } from "../api/labels";
import { names, ordinalOf } from "../api/names";
import type { Cluster } from "./cluster";
import { ownerOf, type KubeObject, type OwnerReference } from "./objects";

type Annotations = Readonly<Record<string, string | null>>;

/** Names of the Secrets without which a volume of cluster `c` cannot be opened. */
export function keySecrets(c: string): readonly string[] {
  return [names.systemSecret(c), names.rootSecret(c), names.appSecret(c)];
}

/** The owners a new Secret of this cluster is to have. */
export function ownersOf(cluster: Pick<Cluster, "metadata" | "spec">, secret: string): OwnerReference[] {
  const isKept =
    cluster.spec.deletion.volumes === "retain" && keySecrets(cluster.metadata.name).includes(secret);
  return isKept ? [] : [ownerOf(cluster)];
}

/** The stored Secret's owners as they are to be, those of others kept; undefined when they are so already. */
export function ownersChange(cluster: Cluster, { metadata }: KubeObject): OwnerReference[] | undefined {
  const { ownerReferences = [], name } = metadata;
  const isOurs = (owner: OwnerReference) =>
    owner.kind === cluster.kind && owner.name === cluster.metadata.name;
  const wanted = ownersOf(cluster, name);
  const uids = (owners: readonly OwnerReference[]) => owners.map(({ uid }) => uid).join();
  if (uids(ownerReferences.filter(isOurs)) === uids(wanted)) return undefined;
  return [...ownerReferences.filter((owner) => !isOurs(owner)), ...wanted];
}

/**
 * What `<c>-system` is still to say of the cluster: its id, and whether it ever had a primary. "false" is only said
 * at the end (`final`): a Secret that says nothing of it belongs, for all we know, to a cluster that holds data.
 */
export function identityChange(
  { metadata: { annotations = {} } }: KubeObject,
  {
    clusterId,
    initialised,
    formerClusterIds = [],
  }: {
    readonly clusterId: string;
    readonly initialised: boolean;
    readonly formerClusterIds?: readonly string[];
  },
  final: boolean,
): Annotations | undefined {
  const former = formerClusterIds.join(",");
  const knowsFormer = (annotations[ANNOTATION.formerClusterIds] ?? "") === former;
  const isSame = annotations[ANNOTATION.clusterId] === clusterId;
  const said = isSame ? annotations[ANNOTATION.initialised] : undefined;
  const word = initialised || said === "true" ? "true" : final ? "false" : (said ?? null);
  const stored = annotations[ANNOTATION.initialised] ?? null;
  if (isSame && stored === word && knowsFormer) return undefined;
  return {
    [ANNOTATION.clusterId]: clusterId,
    [ANNOTATION.initialised]: word,
    ...(!knowsFormer && { [ANNOTATION.formerClusterIds]: former }),
  };
}

/** Ids as an annotation joins them. */
export function parseIds(text: string | undefined): readonly string[] {
  return (text ?? "").split(",").filter((id) => id !== "");
}

/** Instances of cluster `c` whose data volume is among the claims and not about to go, in the claims' order. */
export function volumesOf(c: string, claims: readonly KubeObject[]): string[] {
  return claims.flatMap(({ metadata: { name, deletionTimestamp } }) => {
    const instance = /^data-(.+)-0$/.exec(name)?.[1];
    const isOurs = instance !== undefined && ordinalOf(c, instance) !== undefined;
    return isOurs && deletionTimestamp === undefined ? [instance] : [];
  });
}
