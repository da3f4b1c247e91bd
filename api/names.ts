/** The one home of object names (api.md, Vocabulary). `c` is the name of a MySQLCluster, at most 32 characters. */

export const GROUP = "porpoise.dev";
export const API_VERSION = `${GROUP}/v1`;

export const names = {
  /** StatefulSet of one instance; the instance's own name. */
  instance: (c: string, ordinal: number): string => `${c}-${ordinal}`,
  /** An instance of a pool of read replicas. */
  poolInstance: (c: string, pool: string, ordinal: number): string => `${c}-${pool}-${ordinal}`,
  witness: (c: string): string => `${c}-witness`,
  pod: (instance: string): string => `${instance}-0`,
  dataVolume: (instance: string): string => `data-${instance}-0`,
  /** ExternalName of the proxy, else of the primary. */
  service: (c: string): string => c,
  primaryService: (c: string): string => `${c}-primary`,
  replicasService: (c: string): string => `${c}-replicas`,
  instancesService: (c: string): string => `${c}-instances`,
  /** Reads from one pool of read replicas; its slice has the same name. */
  poolService: (c: string, pool: string): string => `${c}-${pool}`,
  /** EndpointSlices of the data Services, written by the leader's agent. */
  primarySlice: (c: string): string => `${c}-primary`,
  replicasSlice: (c: string): string => `${c}-replicas`,
  rootSecret: (c: string): string => `${c}-root`,
  appSecret: (c: string): string => `${c}-app`,
  /** Passwords of the agents' own accounts; mounted in the pods only. */
  systemSecret: (c: string): string => `${c}-system`,
  caSecret: (c: string): string => `${c}-ca`,
  /** mysqld's server certificate. */
  tlsSecret: (c: string): string => `${c}-tls`,
  /** The agents' certificate for mutual TLS (client and server). */
  agentSecret: (c: string): string => `${c}-agent`,
  configMap: (c: string): string => `${c}-config`,
  budget: (c: string): string => c,
  serviceAccount: (c: string): string => c,
  role: (c: string): string => c,
} as const;

/** DNS name of an instance's pod; publishNotReadyAddresses keeps it resolvable from the pod's first second. */
export function instanceHost(c: string, instance: string, namespace: string): string {
  return `${names.pod(instance)}.${names.instancesService(c)}.${namespace}.svc`;
}

/** Instance name of a member id, `<instance>.<nonce>`: a volume that was emptied is another member of the same name. */
export function instanceOfMember(memberId: string): string {
  const dot = memberId.lastIndexOf(".");
  return dot < 0 ? memberId : memberId.slice(0, dot);
}

/** Ordinal of an instance of cluster `c`, or undefined when the name is not one of its instances. */
export function ordinalOf(c: string, instance: string): number | undefined {
  const match = new RegExp(`^${c}-(\\d+)$`).exec(instance);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}
