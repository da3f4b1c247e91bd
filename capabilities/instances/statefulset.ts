/** One StatefulSet of size 1 per instance: each can be removed, rebuilt or restarted alone. Pure. */
import type { V1PersistentVolumeClaim, V1StatefulSet } from "@kubernetes/client-node";
import { clusterLabels } from "../../api/labels";
import { names } from "../../api/names";
import type { Cluster } from "../cluster";
import { ownerOf, type Built } from "../objects";
import { instanceSelector, memberLabels, podTemplate, type InstanceInput } from "./pod";

export type StatefulSet = Built<V1StatefulSet>;

/**
 * The StatefulSet of an instance. `existing` keeps its volume claim as it is: Kubernetes refuses a changed one, and
 * a volume grows by its claim, not here.
 */
export function statefulSet(input: InstanceInput, existing?: StatefulSet): StatefulSet {
  const { cluster, member } = input;
  const { name } = member;
  const c = cluster.metadata.name;
  const volumes = cluster.spec.deletion.volumes === "delete" ? "Delete" : "Retain";
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: {
      name,
      namespace: cluster.metadata.namespace,
      labels: memberLabels(c, member),
      ownerReferences: [ownerOf(cluster)],
    },
    spec: {
      replicas: 1,
      serviceName: names.instancesService(c),
      selector: { matchLabels: instanceSelector(c, name) },
      // Kubernetes must not restart a primary by itself: the order of restarts is the controller's.
      updateStrategy: { type: "OnDelete" },
      revisionHistoryLimit: 2,
      persistentVolumeClaimRetentionPolicy: { whenDeleted: volumes, whenScaled: "Retain" },
      template: podTemplate(input),
      volumeClaimTemplates: [claim(cluster, existing?.spec?.volumeClaimTemplates?.[0])],
    },
  };
}

function claim({ metadata, spec }: Cluster, existing?: V1PersistentVolumeClaim): V1PersistentVolumeClaim {
  const { size, storageClass, accessModes } = spec.storage;
  const wanted = {
    accessModes: [...accessModes],
    resources: { requests: { storage: size } },
    ...(storageClass !== undefined && { storageClassName: storageClass }),
  };
  const { accessModes: modes, resources, storageClassName } = existing?.spec ?? wanted;
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: "data", labels: existing?.metadata?.labels ?? clusterLabels(metadata.name, "data") },
    spec: { accessModes: modes, resources, ...(storageClassName !== undefined && { storageClassName }) },
  };
}
