/** A MySQLCluster as the controller reads it: every default filled in, so that nothing below asks twice. Pure. */
import type { V1ResourceRequirements } from "@kubernetes/client-node";
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
 * from each other do not meet; it leaves room for 1000 ordinals.
 */
export function serverId({ metadata }: Cluster, ordinal: number): number {
  return 1 + (fnv1a(metadata.uid ?? metadata.name) % 4_000_000) * 1000 + ordinal;
}

/** FNV-1a, 32 bits: a small stable hash. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
