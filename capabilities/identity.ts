/**
 * What must be on the object before anything is made for it: the finalizer, the cluster's id, and whether it ever
 * had a primary. Annotations, not status: a status may be wiped (a restored backup of etcd, a tool that copies
 * objects), and a cluster that lost its id or is bootstrapped twice loses data.
 */
import { randomUUID } from "node:crypto";
import { ANNOTATION, FINALIZER, LABEL } from "../api/labels";
import type { MySQLCluster } from "../api/mysqlcluster";
import { names } from "../api/names";
import type { Kube } from "./kube";
import { refOf } from "./objects";
import type { Secret } from "./secrets";

export interface Identity {
  readonly clusterId: string;
  readonly initialised: boolean;
}

/** What the object and the Secret beside it say. Pure. */
export function knownIdentity(
  { metadata, status }: MySQLCluster,
  systemSecret: Secret | undefined,
): { readonly clusterId?: string; readonly initialised: boolean } {
  const stored = systemSecret?.metadata.annotations?.[ANNOTATION.clusterId];
  const clusterId = metadata.annotations?.[ANNOTATION.clusterId] ?? stored ?? status?.clusterId;
  const initialised = metadata.annotations?.[ANNOTATION.initialised] === "true" || (status?.term ?? 0) >= 1;
  return { ...(clusterId !== undefined && { clusterId }), initialised };
}

/** The change of metadata that is still to be made; undefined when there is none. Pure. */
export function identityPatch({ metadata }: MySQLCluster, identity: Identity): object | undefined {
  const { finalizers = [], labels = {}, annotations = {}, resourceVersion, name } = metadata;
  const wanted: Record<string, string> = { [ANNOTATION.clusterId]: identity.clusterId };
  if (identity.initialised) wanted[ANNOTATION.initialised] = "true";
  const missing = Object.entries(wanted).filter(([key, value]) => annotations[key] !== value);
  const complete = finalizers.includes(FINALIZER) && labels[LABEL.cluster] === name && missing.length === 0;
  if (complete) return undefined;
  return {
    metadata: {
      resourceVersion, // A list is replaced whole: a lost race must be an error.
      finalizers: [...new Set([...finalizers, FINALIZER])],
      labels: { [LABEL.cluster]: name },
      annotations: wanted,
    },
  };
}

/** Writes what is missing. @returns the stored object and whether it is new. */
export async function ensureIdentity(
  kube: Kube,
  cluster: MySQLCluster,
  secrets: ReadonlyMap<string, Secret>,
): Promise<Identity & { readonly cluster: MySQLCluster; readonly created: boolean }> {
  const known = knownIdentity(cluster, secrets.get(names.systemSecret(cluster.metadata.name)));
  const identity = { clusterId: known.clusterId ?? randomUUID(), initialised: known.initialised };
  const patch = identityPatch(cluster, identity);
  const stored = patch ? await kube.patch<MySQLCluster>(refOf(cluster), patch) : cluster;
  return { ...identity, cluster: stored, created: known.clusterId === undefined };
}
