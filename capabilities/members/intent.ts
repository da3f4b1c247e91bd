/** What the agents are told. Pure. */
import type { Intent, MemberStatus } from "../../api/agent";
import { parseDurationMs } from "../../api/duration";
import { ANNOTATION } from "../../api/labels";
import { instanceNames, type MySQLCluster } from "../../api/mysqlcluster";
import { names } from "../../api/names";
import { onlineOptions } from "../config/changes";
import type { Context } from "../context";

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
  clusterId: string,
  members: readonly MemberStatus[],
): string | undefined {
  const foreign = members.filter((member) => isForeign(member, clusterId));
  const [first] = foreign;
  if (!first) return undefined;
  const whose = foreign.map((member) => `${names.dataVolume(member.name)} of ${member.clusterId}`).join(", ");
  const keep = `restore Secret ${names.systemSecret(c)} and set annotation ${ANNOTATION.clusterId}=${first.clusterId}`;
  return `Volumes belong to another cluster than ${clusterId}: ${whose}. To keep their data, ${keep}; else delete them and their pods.`;
}

/** Whether a member's volume belongs to another cluster. */
export function isForeign({ clusterId }: MemberStatus, ours: string): boolean {
  return clusterId !== undefined && clusterId !== ours;
}

/** The intent of this cluster, the same for every agent. */
export function intentOf(
  context: Pick<Context, "cluster" | "clusterId" | "initialised" | "observed">,
): Intent {
  const { cluster, clusterId, initialised, observed } = context;
  const { failover, services } = cluster.spec;
  return {
    epoch: epochOf(cluster),
    generation: cluster.metadata.generation ?? 1,
    clusterId,
    members: instanceNames(cluster).map((name) => ({ name, role: "voter" })),
    formerClusterIds: [],
    initialised,
    timing: {
      heartbeatMs: parseDurationMs(failover.heartbeat),
      electionTimeoutMs: parseDurationMs(failover.electionTimeout),
    },
    autoFailover: failover.auto,
    maxLagMs: parseDurationMs(services.replicas.maxLag),
    usePrimary: services.replicas.usePrimary,
    onlineConfig: onlineOptions(observed.options ?? {}),
  };
}
