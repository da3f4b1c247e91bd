/**
 * What must be on the object before anything is made for it: the finalizer, the cluster's id, and whether it ever
 * had a primary. Annotations, not status: a status may be wiped (a restored backup of etcd, a tool that copies
 * objects), and a cluster that lost its id or is bootstrapped twice loses data.
 *
 * An object made anew over retained volumes takes up the cluster that they hold: its id lies on `<c>-system`.
 */
import { randomUUID } from "node:crypto";
import type { MemberStatus } from "../api/agent";
import { ANNOTATION, FINALIZER, LABEL } from "../api/labels";
import type { MySQLCluster } from "../api/mysqlcluster";
import { names } from "../api/names";
import type { Kube } from "./kube";
import { parseIds, volumesOf } from "./keys";
import { refOf, type KubeObject } from "./objects";
import type { Secret } from "./secrets";

export interface Identity {
  readonly clusterId: string;
  readonly initialised: boolean;
  /** Ids it had before recoveries, oldest first. */
  readonly formerClusterIds: readonly string[];
}

/** What is found beside an object that does not know its own id. */
export interface Found {
  readonly systemSecret?: Secret;
  /** Instances that have a data volume; undefined = nobody looked, the object knows its id. */
  readonly volumes?: readonly string[];
}

/** Where the identity comes from: "known" = the object has it, "kept" = from retained volumes, "new" = none yet. */
export type Origin = "known" | "kept" | "new";

/** Whether the object knows its id by itself. One just made cannot: a status is never taken from a manifest. */
export function knowsItself({ metadata, status }: MySQLCluster): boolean {
  return metadata.annotations?.[ANNOTATION.clusterId] !== undefined || status?.clusterId !== undefined;
}

/**
 * What the object and what lies beside it say. Without any volume a former id means nothing: a member that waits to
 * be taken in by a cluster of which nothing is left would wait for ever. Pure.
 */
export function knownIdentity(
  cluster: MySQLCluster,
  { systemSecret, volumes }: Found,
): Omit<Identity, "clusterId"> & { readonly origin: Origin; readonly clusterId?: string } {
  const kept = systemSecret?.metadata.annotations ?? {};
  if (knowsItself(cluster)) return { origin: "known", ...ownIdentity(cluster, kept) };
  const clusterId = kept[ANNOTATION.clusterId];
  if (clusterId === undefined || (volumes ?? []).length === 0)
    return { origin: "new", initialised: false, formerClusterIds: [] };
  const formerClusterIds = parseIds(kept[ANNOTATION.formerClusterIds]);
  return {
    origin: "kept",
    clusterId,
    formerClusterIds,
    initialised: kept[ANNOTATION.initialised] !== "false",
  };
}

function ownIdentity(
  { metadata: { annotations = {} }, status }: MySQLCluster,
  kept: Readonly<Record<string, string>>,
): Omit<Identity, "clusterId"> & { readonly clusterId?: string } {
  const stored = kept[ANNOTATION.clusterId];
  const clusterId = annotations[ANNOTATION.clusterId] ?? stored ?? status?.clusterId;
  const said = [
    annotations[ANNOTATION.initialised],
    clusterId === stored ? kept[ANNOTATION.initialised] : "",
  ];
  const former = annotations[ANNOTATION.formerClusterIds] ?? kept[ANNOTATION.formerClusterIds];
  return {
    clusterId,
    initialised: said.includes("true") || (status?.term ?? 0) >= 1,
    formerClusterIds: former === undefined ? (status?.formerClusterIds ?? []) : parseIds(former),
  };
}

/** The change of metadata that is still to be made; undefined when there is none. Pure. */
export function identityPatch({ metadata }: MySQLCluster, identity: Identity): object | undefined {
  const { finalizers = [], labels = {}, annotations = {}, resourceVersion, name } = metadata;
  const wanted: Record<string, string> = { [ANNOTATION.clusterId]: identity.clusterId };
  if (identity.initialised) wanted[ANNOTATION.initialised] = "true";
  if (identity.formerClusterIds.length > 0)
    wanted[ANNOTATION.formerClusterIds] = identity.formerClusterIds.join(",");
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

/**
 * The identity after a recovery: the loss of a majority was accepted by a person, and one member leads a new cluster
 * (`POST /v1/recover`). Only the primary's word counts, and only while it names our id as one of its former ones. Pure.
 */
export function recoveredIdentity(
  { clusterId: ours, formerClusterIds }: Identity,
  members: readonly MemberStatus[],
): Identity | undefined {
  const leader = members
    .filter(({ role, ready }) => role === "primary" && ready)
    .sort((a, b) => b.term - a.term)
    .find(({ clusterId, formerClusterIds: former = [] }) => clusterId !== ours && former.includes(ours));
  if (leader?.clusterId === undefined) return undefined;
  const all = [...formerClusterIds, ours, ...(leader.formerClusterIds ?? [])];
  return { clusterId: leader.clusterId, initialised: true, formerClusterIds: [...new Set(all)] };
}

/** Writes what is missing. @returns the stored object, where its identity is from, and the volumes found then. */
export async function ensureIdentity(
  kube: Kube,
  cluster: MySQLCluster,
  secrets: ReadonlyMap<string, Secret>,
): Promise<Identity & { readonly cluster: MySQLCluster; readonly origin: Origin; readonly found: Found }> {
  const listed = secrets.get(names.systemSecret(cluster.metadata.name));
  const found = knowsItself(cluster) ? { systemSecret: listed } : await look(kube, cluster, listed);
  const { origin, clusterId = randomUUID(), ...rest } = knownIdentity(cluster, found);
  const identity = { clusterId, ...rest };
  const patch = identityPatch(cluster, identity);
  const stored = patch ? await kube.patch<MySQLCluster>(refOf(cluster), patch) : cluster;
  return { ...identity, cluster: stored, origin, found };
}

/** By names, not labels: a Secret or a volume that somebody restored from a backup may have none. */
async function look(kube: Kube, { metadata }: MySQLCluster, listed: Secret | undefined): Promise<Found> {
  const { name, namespace } = metadata;
  const ref = { apiVersion: "v1", kind: "Secret", namespace, name: names.systemSecret(name) };
  const claims = { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace };
  const [systemSecret, found] = await Promise.all([
    listed ?? kube.get<Secret>(ref),
    kube.list<KubeObject>(claims),
  ]);
  return { systemSecret, volumes: volumesOf(name, found) };
}
