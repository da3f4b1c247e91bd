/** What the agents are told. Pure. */
import type { Intent, MemberStatus, WantedMember } from "../../api/agent";
import { parseDurationMs } from "../../api/duration";
import { ANNOTATION } from "../../api/labels";
import { membersOf, type SpecMember } from "../../api/members";
import type { MySQLCluster } from "../../api/mysqlcluster";
import { names } from "../../api/names";
import { groupCluster, memoryBytes, type Cluster } from "../cluster";
import { onlineOptions } from "../config/changes";
import { effective } from "../config/options";
import type { Context, ObservedInstance } from "../context";

/** Which object of this name it is: one made anew counts its generations from 1 again. ms since 1970. */
export function epochOf({ metadata }: Pick<MySQLCluster, "metadata">): number {
  return Date.parse(metadata.creationTimestamp ?? "") || 0;
}

/** Whether a member holds an intent from before `wanted`. */
export function isBehind(
  { epoch, generation }: Pick<MemberStatus, "epoch" | "generation">,
  wanted: Pick<Intent, "epoch" | "generation">,
): boolean {
  // An agent of before epochs does not say its own; an intent.json from then counts as 0.
  if (epoch === undefined || epoch === wanted.epoch) return generation < wanted.generation;
  return epoch < wanted.epoch;
}

/**
 * What to do when volumes hold another cluster's data: their agents refuse our intent. undefined = they do not.
 * Neither the id nor the data is guessed away: only a person knows which of the two is wanted.
 */
export function foreignVolumes(
  c: string,
  ids: ClusterIds,
  members: readonly MemberStatus[],
): string | undefined {
  const { clusterId } = ids;
  const foreign = members.filter((member) => isForeign(member, ids));
  const [first] = foreign;
  if (!first) return undefined;
  const whose = foreign.map((member) => `${names.dataVolume(member.name)} of ${member.clusterId}`).join(", ");
  const keep = `restore Secret ${names.systemSecret(c)} and set annotation ${ANNOTATION.clusterId}=${first.clusterId}`;
  return `Volumes belong to another cluster than ${clusterId}: ${whose}. To keep their data, ${keep}; else delete them and their pods.`;
}

/** What a cluster is known by. */
export type ClusterIds = Pick<Context, "clusterId" | "formerClusterIds">;

/** Whether a member's volume belongs to another cluster. One of before a recovery is ours: it is being rebuilt. */
export function isForeign({ clusterId }: MemberStatus, ids: ClusterIds): boolean {
  return clusterId !== undefined && clusterId !== ids.clusterId && !ids.formerClusterIds.includes(clusterId);
}

/** The intent of this cluster, the same for every agent but for the options that its memory decides. */
export function intentOf(
  context: Pick<Context, "cluster" | "clusterId" | "formerClusterIds" | "initialised">,
): Omit<Intent, "onlineConfig"> {
  const { cluster, clusterId, formerClusterIds, initialised } = context;
  const { failover, services } = cluster.spec;
  return {
    epoch: epochOf(cluster),
    generation: cluster.metadata.generation ?? 1,
    clusterId,
    members: membersOf(cluster).map(wantedMember),
    formerClusterIds,
    initialised,
    timing: {
      heartbeatMs: parseDurationMs(failover.heartbeat),
      electionTimeoutMs: parseDurationMs(failover.electionTimeout),
    },
    autoFailover: failover.auto,
    maxLagMs: parseDurationMs(services.replicas.maxLag),
    usePrimary: services.replicas.usePrimary,
  };
}

function wantedMember({ name, kind, group, delay }: SpecMember): WantedMember {
  const delayMs = parseDurationMs(delay);
  return { name, role: kind, ...(kind === "learner" && { pool: group }), ...(delayMs > 0 && { delayMs }) };
}

/**
 * Options that this member takes online: sized by the memory that its pod has now, not by what its next one will
 * have: a buffer pool for 16 GiB in a container of 4 is killed by the kernel.
 */
export function onlineConfigOf(
  cluster: Cluster,
  { kind, group, pod }: ObservedInstance,
): Intent["onlineConfig"] {
  if (kind === "witness") return {};
  const own = pod?.memoryBytes ?? memoryBytes(groupCluster(cluster, group));
  return onlineOptions(effective(cluster.spec.config, own));
}
