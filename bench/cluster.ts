/** Reads a cluster from outside, as an operator could: the API server and the agents' plain HTTP. */
import { KubeConfig } from "@kubernetes/client-node";
import { HEALTH_PORT, type MemberStatus } from "../api/agent";
import { ANNOTATION, LABEL } from "../api/labels";
import { MYSQLCLUSTER_KIND, type MySQLCluster } from "../api/mysqlcluster";
import { API_VERSION, names } from "../api/names";
import { HttpKube } from "../capabilities/kube";
import type { KubeObject } from "../capabilities/objects";
import { paths } from "../sandbox/config";
import { limit, waitFor } from "./waits";
import { unhealthy, type Endpoint, type EventView, type PodView, type View } from "./view";

/** Which cluster. */
export interface ClusterRef {
  readonly namespace: string;
  readonly name: string;
}

export const refText = ({ namespace, name }: ClusterRef): string => `${namespace}/${name}`;

let connected: HttpKube | undefined;

/** The sandbox's API server, as its administrator. */
export function kube(): HttpKube {
  if (!connected) {
    const config = new KubeConfig();
    config.loadFromFile(paths().kubeconfig);
    connected = new HttpKube(config, "porpoise-bench");
  }
  return connected;
}

/** Undefined: there is none. */
export function readCluster({ namespace, name }: ClusterRef): Promise<MySQLCluster | undefined> {
  return kube().get<MySQLCluster & KubeObject>({
    apiVersion: API_VERSION,
    kind: MYSQLCLUSTER_KIND,
    namespace,
    name,
  });
}

interface Pod extends KubeObject {
  readonly spec?: { readonly nodeName?: string };
  readonly status?: {
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** The pods of the instances, by name. */
export async function readPods({ namespace, name }: ClusterRef): Promise<PodView[]> {
  const labels = { [LABEL.cluster]: name, [LABEL.component]: "instance" };
  const pods = await kube().list<Pod>({ apiVersion: "v1", kind: "Pod", namespace, labels });
  return pods.map(podView).sort((a, b) => a.name.localeCompare(b.name));
}

function podView({ metadata, spec, status }: Pod): PodView {
  return {
    name: metadata.name,
    instance: metadata.labels?.[LABEL.member] ?? metadata.name,
    uid: metadata.uid ?? "",
    ip: status?.podIP,
    node: spec?.nodeName,
    ready: status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false,
    deleting: (metadata as { deletionTimestamp?: string }).deletionTimestamp !== undefined,
  };
}

/** What an agent says of its member; undefined when it does not answer in time. */
export async function readMember(ip: string, timeoutMs = 2000): Promise<MemberStatus | undefined> {
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await fetch(`http://${ip}:${HEALTH_PORT}/status`, { signal });
    return response.ok ? ((await response.json()) as MemberStatus) : undefined;
  } catch {
    return undefined;
  }
}

interface Slice extends KubeObject {
  readonly endpoints?: readonly { readonly addresses?: readonly string[] }[] | null;
}

/** Where a data Service leads. */
export async function readEndpoint(ref: ClusterRef, service: "primary" | "replicas"): Promise<Endpoint> {
  const name = service === "primary" ? names.primarySlice(ref.name) : names.replicasSlice(ref.name);
  const slice = await kube().get<Slice>({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    namespace: ref.namespace,
    name,
  });
  const term = slice?.metadata.annotations?.[ANNOTATION.term];
  return {
    term: term === undefined ? undefined : Number(term),
    addresses: (slice?.endpoints ?? []).flatMap(({ addresses }) => addresses ?? []),
  };
}

/** Members by instance, asked at the same time. */
export async function readMembers(
  pods: readonly PodView[],
  timeoutMs?: number,
): Promise<Map<string, MemberStatus>> {
  const answers = await Promise.all(
    pods.map(
      async ({ instance, ip }) =>
        [instance, ip === undefined ? undefined : await readMember(ip, timeoutMs)] as const,
    ),
  );
  return new Map(
    answers.flatMap(([name, member]) => (member === undefined ? [] : [[name, member] as const])),
  );
}

/** All of it. */
export async function readView(ref: ClusterRef): Promise<View> {
  const [cluster, pods, primary, replicas] = await Promise.all([
    readCluster(ref),
    readPods(ref),
    readEndpoint(ref, "primary"),
    readEndpoint(ref, "replicas"),
  ]);
  return { cluster, pods, members: await readMembers(pods), primary, replicas };
}

export interface HealthWait {
  readonly deadlineMs: number;
  /** Default 3. */
  readonly instances?: number;
  /** Called with each view, for progress. */
  readonly onView?: (view: View) => void;
}

/** Waits until every instance serves, the Services lead right and the status says so. @throws Overdue. */
export function awaitHealthy(
  ref: ClusterRef,
  { deadlineMs, instances = 3, onView }: HealthWait,
): Promise<View> {
  return waitFor(`cluster ${refText(ref)} whole`, { deadlineMs, everyMs: 250 }, async () => {
    const view = await readView(ref);
    onView?.(view);
    return unhealthy(view, instances) ?? { value: view };
  });
}

interface Secret extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** A Secret's values as text. @throws when there is none. */
export async function readSecret(namespace: string, name: string): Promise<Record<string, string>> {
  const secret = await kube().get<Secret>({ apiVersion: "v1", kind: "Secret", namespace, name });
  if (!secret) throw new Error(`there is no Secret ${namespace}/${name}`);
  const decode = (text: string): string => Buffer.from(text, "base64").toString("utf8");
  return Object.fromEntries(Object.entries(secret.data ?? {}).map(([key, value]) => [key, decode(value)]));
}

interface Service extends KubeObject {
  readonly spec?: { readonly clusterIP?: string };
}

/** The address of a Service. @throws when it has none. */
export async function serviceIp(namespace: string, name: string): Promise<string> {
  const service = await kube().get<Service>({ apiVersion: "v1", kind: "Service", namespace, name });
  const ip = service?.spec?.clusterIP;
  if (ip === undefined || ip === "" || ip === "None")
    throw new Error(`Service ${namespace}/${name} has no address`);
  return ip;
}

interface KubeEvent extends KubeObject {
  readonly reason?: string;
  readonly message?: string;
  readonly note?: string;
  readonly lastTimestamp?: string;
  readonly eventTime?: string;
  readonly involvedObject?: { readonly name?: string };
}

/** Events about the cluster or its pods since a moment (epoch, ms), oldest first. */
export async function readEvents({ namespace, name }: ClusterRef, since: number): Promise<EventView[]> {
  const events = await limit(5000, kube().list<KubeEvent>({ apiVersion: "v1", kind: "Event", namespace }));
  return events
    .filter(
      ({ involvedObject }) => involvedObject?.name === name || involvedObject?.name?.startsWith(`${name}-`),
    )
    .map((event) => ({
      at: Date.parse(event.lastTimestamp ?? event.eventTime ?? ""),
      reason: event.reason ?? "",
      message: event.message ?? event.note ?? "",
    }))
    .filter(({ at }) => at >= since)
    .sort((a, b) => a.at - b.at);
}
