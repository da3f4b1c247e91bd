/** Labels and annotations (api.md, Vocabulary). */

export const LABEL = {
  name: "app.kubernetes.io/name",
  instance: "app.kubernetes.io/instance",
  component: "app.kubernetes.io/component",
  managedBy: "app.kubernetes.io/managed-by",
  cluster: "porpoise.dev/cluster",
  /** Instance name, e.g. "shop-0". */
  member: "porpoise.dev/instance",
  /** Name of a read replica's pool, "witness" on the witness; absent on the instances of spec.instances. */
  pool: "porpoise.dev/pool",
  /** Written by the pod's own agent; absent = unknown = not served. */
  role: "porpoise.dev/role",
} as const;

export const ANNOTATION = {
  allow: "porpoise.dev/allow",
  quiet: "porpoise.dev/quiet",
  requestedBy: "porpoise.dev/requested-by",
  revision: "porpoise.dev/revision",
  clusterId: "porpoise.dev/cluster-id",
  /** Ids the cluster had before recoveries, oldest first, joined by commas. */
  formerClusterIds: "porpoise.dev/former-cluster-ids",
  /** "true" on a MySQLCluster that has had a primary: never bootstrap it again, whatever its status says. */
  initialised: "porpoise.dev/initialised",
  /** On the data EndpointSlices: the term whose leader wrote them. */
  term: "porpoise.dev/term",
} as const;

export const FINALIZER = "porpoise.dev/cleanup";
export const MANAGER = "porpoise";

/** Labels of every object that belongs to the cluster. */
export function clusterLabels(cluster: string, component: string): Record<string, string> {
  return {
    [LABEL.name]: "mysql",
    [LABEL.instance]: cluster,
    [LABEL.component]: component,
    [LABEL.managedBy]: MANAGER,
    [LABEL.cluster]: cluster,
  };
}
