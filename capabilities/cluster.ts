/** A MySQLCluster as the controller reads it: every default filled in, so that nothing below asks twice. Pure. */
import type { V1ResourceRequirements } from "@kubernetes/client-node";
import { groupSpec } from "../api/groups";
import { VOTERS, type GroupName, type SpecMember } from "../api/members";
import {
  memoryOf,
  withDefaults,
  type DefaultedMySQLClusterSpec,
  type MySQLCluster,
} from "../api/mysqlcluster";
import { parseQuantity } from "../api/quantity";
import type { Settings } from "./settings";

export interface Cluster extends MySQLCluster {
  readonly spec: DefaultedMySQLClusterSpec;
}

/** The cluster as it is for the members of one group: with their resources, volumes and pods. */
export function groupCluster(cluster: Cluster, group: GroupName): Cluster {
  return group === VOTERS ? cluster : { ...cluster, spec: groupSpec(cluster.spec, group) };
}

/** The object with the schema's defaults; the API server fills them in, an old object may lack new ones. */
export function defaulted(cluster: MySQLCluster): Cluster {
  return { ...cluster, spec: withDefaults(cluster.spec) };
}

/** Resources as a container takes them. */
export function resources({ spec }: Cluster): V1ResourceRequirements {
  const { requests, limits } = spec.resources;
  return { requests: texts(requests), ...(limits && { limits: texts(limits) }) };
}

function texts(quantities: object): Record<string, string> {
  const given = Object.entries(quantities).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}

/** Memory of the container in bytes (limit, else request), as my.cnf's defaults and percentages see it. */
export function memoryBytes(cluster: Cluster): number {
  return parseQuantity(memoryOf(cluster));
}

/** spec.image replaces the image that the version names. */
export function engineImage({ spec }: Cluster, settings: Settings): string {
  return spec.image ?? `${settings.mysqlImage}:${spec.version}`;
}

/**
 * MySQL server id: 1 + base + ordinal. The base comes from the object's UID, so that two clusters that replicate
 * from each other do not meet; it leaves room for 1000 ordinals. A read replica's comes from its whole name, above
 * that range, so that a pool that comes or goes changes nobody else's.
 */
export function serverId({ metadata }: Cluster, { name, group, ordinal }: SpecMember): number {
  const own = metadata.uid ?? metadata.name;
  if (group === VOTERS) return 1 + (fnv1a(own) % BASES) * 1000 + ordinal;
  return 1 + BASES * 1000 + (fnv1a(`${own}/${name}`) % (2 ** 32 - 2 - BASES * 1000));
}

const BASES = 4_000_000;

/** FNV-1a, 32 bits: a small stable hash. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
