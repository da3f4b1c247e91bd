/** What of the spec holds for a group of members: pools and the witness override some of it. Pure. */
import { VOTERS, WITNESS, type GroupName, type ReadReplicas } from "./members";
import type { DefaultedMySQLClusterSpec } from "./mysqlcluster";
import { RESTART_FIELDS } from "./rollout";

/** Agent and supervisor, no mysqld: 105 and 51 MiB at rest, of which Node.js itself is the larger part. */
const WITNESS_RESOURCES = {
  requests: { cpu: "50m", memory: "192Mi" },
  limits: { memory: "384Mi" },
} as const;
/** For `agent/`: a few kilobytes; the least that every StorageClass takes. */
const WITNESS_VOLUME = "1Gi";

/** The spec as it holds for the members of `group`; a pool that is not in it is as the instances are. */
export function groupSpec(spec: DefaultedMySQLClusterSpec, group: GroupName): DefaultedMySQLClusterSpec {
  if (group === VOTERS) return spec;
  if (group === WITNESS) {
    const storage = { ...spec.storage, size: WITNESS_VOLUME };
    return { ...spec, resources: WITNESS_RESOURCES, storage, pod: { ...spec.pod, ...spec.witness?.pod } };
  }
  const pool = poolOf(spec, group);
  return {
    ...spec,
    resources: resourcesOf(spec, pool),
    storage: { ...spec.storage, ...pool?.storage },
    pod: { ...spec.pod, ...pool?.pod },
  };
}

/** The pool of that name. */
export function poolOf(spec: DefaultedMySQLClusterSpec, name: GroupName): ReadReplicas | undefined {
  return spec.readReplicas?.find((pool) => pool.name === name);
}

/** The parts of the spec that a change of restarts the group's members. */
export function restartParts(spec: DefaultedMySQLClusterSpec, group: GroupName): Record<string, unknown> {
  const own = groupSpec(spec, group);
  return Object.fromEntries(RESTART_FIELDS.map((field) => [field, own[field]]));
}

/** A pool's requests are over those of the instances; its limits stand alone: a limit may be below their request. */
function resourcesOf(
  spec: DefaultedMySQLClusterSpec,
  pool: ReadReplicas | undefined,
): DefaultedMySQLClusterSpec["resources"] {
  if (pool?.resources === undefined) return spec.resources;
  const { requests, limits } = pool.resources;
  return { requests: { ...spec.resources.requests, ...requests }, ...(limits && { limits }) };
}
