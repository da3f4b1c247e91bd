/** Volumes that are to outlive their StatefulSet. */
import type { Kube } from "../kube";
import { refOf, type KubeObject } from "../objects";

export interface OwningSet extends KubeObject {
  readonly spec?: { readonly persistentVolumeClaimRetentionPolicy?: { readonly whenDeleted?: string } };
}

/**
 * With spec.deletion.volumes "delete", or until a moment ago, the StatefulSets own their volumes. @returns true while
 * Kubernetes has not yet let go of one of `claims`: to delete the StatefulSets then would take the volumes with them.
 */
export async function freeVolumes(
  kube: Kube,
  sets: readonly OwningSet[],
  claims: readonly KubeObject[],
): Promise<boolean> {
  const spec = { persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain" } };
  const owning = sets.filter(
    (set) => set.spec?.persistentVolumeClaimRetentionPolicy?.whenDeleted === "Delete",
  );
  await Promise.all(owning.map((set) => kube.patch(refOf(set), { spec })));
  const uids = new Set(sets.map(({ metadata }) => metadata.uid));
  if (owning.length > 0) return true; // It may be writing its name on a volume at this moment.
  return claims.some(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uids.has(uid)));
}
