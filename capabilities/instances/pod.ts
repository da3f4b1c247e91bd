/** The pod of one instance (architecture.md, Instances). Pure. */
import { createHash } from "node:crypto";
import type {
  V1Container,
  V1EnvVar,
  V1PodSpec,
  V1PodTemplateSpec,
  V1Probe,
  V1Volume,
} from "@kubernetes/client-node";
import { AGENT_PORT, HEALTH_PORT, MYSQL_PORT } from "../../api/agent";
import { ANNOTATION, LABEL, clusterLabels } from "../../api/labels";
import { VOTERS, type SpecMember } from "../../api/members";
import { names } from "../../api/names";
import { POD_ENV, POD_PATHS } from "../../api/paths";
import { restartParts } from "../../api/groups";
import { engineImage, memoryBytes, resources, serverId, type Cluster } from "../cluster";
import { MY_CNF, poolCnf } from "../config/files";
import type { Options } from "../config/options";
import type { Settings } from "../settings";

/** On the pod: the options its first mysqld started with, as JSON; what differs from them may wait for a restart. */
export const STARTED_WITH = "porpoise.dev/config";

/** The user "mysql" of the engine images. */
const MYSQL_UID = 999;
/** Where the init container finds the emptyDir it fills; POD_PATHS.bin is taken by its own image. */
const INSTALL_TARGET = "/porpoise-bin";
/** Files of Secrets: for the group alone, which is the pod's fsGroup. */
const SECRET_MODE = 0o440;

export interface InstanceInput {
  /** As it is for the member's group (groupCluster). */
  readonly cluster: Cluster;
  readonly member: SpecMember;
  readonly options: Options;
  readonly settings: Settings;
}

/** Labels that select this one instance's pod; never changed (a StatefulSet's selector is immutable). */
export function instanceSelector(cluster: string, instance: string): Record<string, string> {
  return { [LABEL.cluster]: cluster, [LABEL.member]: instance };
}

/** Labels of a member's StatefulSet and pod. */
export function memberLabels(c: string, { name, group }: SpecMember): Record<string, string> {
  const pool: Record<string, string> = group === VOTERS ? {} : { [LABEL.pool]: group };
  return { ...clusterLabels(c, "instance"), ...instanceSelector(c, name), ...pool };
}

/**
 * Short name for what the user decides of a pod: a pod of another revision is restarted. Our own part (the agent's
 * image, probes, mounts) is not in it: a release of Porpoise restarts no MySQL.
 */
export function templateRevision({ cluster, settings }: Pick<InstanceInput, "cluster" | "settings">): string {
  const parts = { ...restartParts(cluster.spec, VOTERS), image: engineImage(cluster, settings) };
  return createHash("sha256").update(sorted(parts)).digest("hex").slice(0, 10);
}

/** One text for equal values, whatever the order of their keys. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** The pod template. */
export function podTemplate(input: InstanceInput): V1PodTemplateSpec {
  const { cluster, member } = input;
  const { pod } = cluster.spec;
  const options: Record<string, string> =
    member.kind === "witness" ? {} : { [STARTED_WITH]: JSON.stringify(input.options) };
  return {
    metadata: {
      labels: { ...pod.labels, ...memberLabels(cluster.metadata.name, member) },
      annotations: { ...pod.annotations, [ANNOTATION.revision]: templateRevision(input), ...options },
    },
    spec: podSpec(input),
  };
}

function podSpec(input: InstanceInput): V1PodSpec {
  const { cluster } = input;
  const { pod, imagePullSecrets } = cluster.spec;
  return {
    serviceAccountName: names.serviceAccount(cluster.metadata.name),
    securityContext: {
      runAsNonRoot: true,
      runAsUser: MYSQL_UID,
      runAsGroup: MYSQL_UID,
      fsGroup: MYSQL_UID,
      fsGroupChangePolicy: "OnRootMismatch",
      seccompProfile: { type: "RuntimeDefault" },
    },
    terminationGracePeriodSeconds: pod.terminationGracePeriodSeconds,
    ...(imagePullSecrets && { imagePullSecrets: imagePullSecrets.map(({ name }) => ({ name })) }),
    ...scheduling(input),
    initContainers: [installer(input)],
    containers: [mysqlContainer(input)],
    volumes: volumes(cluster.metadata.name, input.member),
  };
}

/** Spread over nodes by preference, unless the user says otherwise: voters and witness together, each pool by itself. */
function scheduling({ cluster, member }: InstanceInput): Partial<V1PodSpec> {
  const { metadata, spec } = cluster;
  const { pod } = spec;
  const own = { matchLabels: { [LABEL.cluster]: metadata.name, [LABEL.component]: "instance" } };
  const voting = { ...own, matchExpressions: [{ key: LABEL.pool, operator: "DoesNotExist" }] };
  const pooled = { matchLabels: { ...own.matchLabels, [LABEL.pool]: member.group } };
  const { nodeSelector, tolerations, priorityClassName, schedulerName, topologySpreadConstraints } = pod;
  const term = {
    labelSelector: member.kind === "learner" ? pooled : voting,
    topologyKey: pod.topologyKey,
  };
  const apart = {
    none: undefined,
    preferred: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: term }] },
    required: { requiredDuringSchedulingIgnoredDuringExecution: [term] },
  }[pod.antiAffinity];
  const affinity = { ...(apart && { podAntiAffinity: apart }), ...pod.affinity };
  const given = { nodeSelector, tolerations, priorityClassName, schedulerName, topologySpreadConstraints };
  return defined({ affinity, ...given }) as Partial<V1PodSpec>;
}

/** Copies node, supervisor.js and agent.js into the emptyDir that the main container runs them from. */
function installer({ cluster, settings }: InstanceInput): V1Container {
  return {
    name: "porpoise",
    image: settings.porpoiseImage,
    imagePullPolicy: cluster.spec.imagePullPolicy ?? "IfNotPresent",
    command: [`${POD_PATHS.bin}/node`, `${POD_PATHS.bin}/install.js`, INSTALL_TARGET],
    resources: { requests: { cpu: "10m", memory: "64Mi" }, limits: { memory: "256Mi" } },
    securityContext: hardened,
    volumeMounts: [{ name: "bin", mountPath: INSTALL_TARGET }],
  };
}

function mysqlContainer(input: InstanceInput): V1Container {
  const { cluster, settings } = input;
  return {
    name: "mysql",
    image: engineImage(cluster, settings),
    imagePullPolicy: cluster.spec.imagePullPolicy ?? "IfNotPresent",
    command: [`${POD_PATHS.bin}/node`, `${POD_PATHS.bin}/supervisor.js`],
    env: [...environment(input), ...((cluster.spec.pod.env ?? []) as V1EnvVar[])],
    ports: [
      { name: "mysql", containerPort: MYSQL_PORT },
      { name: "agent", containerPort: AGENT_PORT },
      { name: "health", containerPort: HEALTH_PORT },
    ],
    resources: resources(cluster),
    securityContext: hardened,
    // The agent says early that it lives; a first start copies nothing and waits for nobody.
    startupProbe: probe("/livez", { periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 300 }),
    // The supervisor restarts an agent and the election replaces a primary long before this.
    livenessProbe: probe("/livez", { periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 12 }),
    // Shown, counted by the disruption budget; the data Services do not depend on it.
    readinessProbe: probe("/readyz", { periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 3 }),
    volumeMounts: mounts,
  };
}

const hardened = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};

function probe(path: string, timing: Partial<V1Probe>): V1Probe {
  return { httpGet: { path, port: "health", scheme: "HTTP" }, ...timing };
}

function environment({ cluster, member }: InstanceInput): V1EnvVar[] {
  const field = (variable: string, fieldPath: string): V1EnvVar => ({
    name: variable,
    valueFrom: { fieldRef: { apiVersion: "v1", fieldPath } },
  });
  return [
    { name: POD_ENV.cluster, value: cluster.metadata.name },
    { name: POD_ENV.instance, value: member.name },
    ...(member.kind === "witness" ? [{ name: POD_ENV.role, value: "witness" }] : []),
    { name: POD_ENV.serverId, value: String(serverId(cluster, member)) },
    field(POD_ENV.namespace, "metadata.namespace"),
    field(POD_ENV.pod, "metadata.name"),
    field(POD_ENV.podIp, "status.podIP"),
    field(POD_ENV.node, "spec.nodeName"),
    // Not by the downward API: without a limit that would be the node's memory.
    { name: POD_ENV.memory, value: String(memoryBytes(cluster)) },
  ];
}

const mounts = [
  // Writable: a new agent is put beside the one that runs (PUT /v1/agent).
  { name: "bin", mountPath: POD_PATHS.bin },
  { name: "data", mountPath: POD_PATHS.data },
  { name: "run", mountPath: POD_PATHS.run },
  { name: "tmp", mountPath: POD_PATHS.tmp },
  { name: "config", mountPath: POD_PATHS.config, readOnly: true },
  { name: "tls", mountPath: POD_PATHS.tls, readOnly: true },
  { name: "agent-tls", mountPath: POD_PATHS.agentTls, readOnly: true },
  { name: "secrets", mountPath: POD_PATHS.secrets, readOnly: true },
];

function volumes(c: string, { kind, group }: SpecMember): V1Volume[] {
  const items = kind === "learner" ? { items: [{ key: poolCnf(group), path: MY_CNF }] } : {};
  const secret = (name: string, secretName: string): V1Volume => ({
    name,
    secret: { secretName, defaultMode: SECRET_MODE },
  });
  const keys = (name: string, directory: string, from: readonly string[]) => ({
    secret: { name, items: from.map((key) => ({ key, path: `${directory}/${key}` })) },
  });
  const sources = [
    keys(names.systemSecret(c), "system", ["username", "password", "repl-username", "repl-password"]),
    keys(names.rootSecret(c), "root", ["username", "password"]),
    keys(names.appSecret(c), "app", ["username", "password", "database"]),
  ];
  return [
    { name: "bin", emptyDir: {} },
    { name: "run", emptyDir: {} },
    { name: "tmp", emptyDir: {} },
    { name: "config", configMap: { name: names.configMap(c), ...items } },
    secret("tls", names.tlsSecret(c)),
    secret("agent-tls", names.agentSecret(c)),
    { name: "secrets", projected: { defaultMode: SECRET_MODE, sources } },
  ];
}

/** Without the fields that are undefined. */
function defined<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}
