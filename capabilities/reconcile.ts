/**
 * One run for one cluster: read the present state, let every concern apply and find, write the status once. Run
 * again at any time it does the same (level-triggered); what failed is thrown at the end, for the work queue.
 */
import { ANNOTATION, LABEL } from "../api/labels";
import { API_VERSION } from "../api/names";
import { instanceNames, type MySQLCluster } from "../api/mysqlcluster";
import { formatDenial, type Problem } from "../api/problem";
import { reconcileAccounts } from "./accounts/reconcile";
import type { Applier } from "./apply";
import { defaulted, type Cluster } from "./cluster";
import { reconcileConfig } from "./config/reconcile";
import type { Concern, Context, Observed } from "./context";
import { tell } from "./events";
import { ensureIdentity, identityPatch, recoveredIdentity, type Identity } from "./identity";
import { reconcileInstances } from "./instances/reconcile";
import { reconcileRetirement } from "./instances/retire";
import type { Kube } from "./kube";
import type { AgentBundle, Agents } from "./members/agents";
import { foreignVolumes, isForeign, type ClusterIds } from "./members/intent";
import { reconcileMembers } from "./members/reconcile";
import { reconcileRollout } from "./rollout/reconcile";
import { refOf } from "./objects";
import type { RunResult } from "./queue";
import type { Secret } from "./secrets";
import { reconcileServices } from "./services/reconcile";
import type { Settings } from "./settings";
import { eventsOf, type ClusterEvent } from "./status/events";
import { mergePatch } from "./status/patch";
import { statusOf, type Status } from "./status/status";
import { tearDown } from "./teardown";
import { reconcileTls } from "./tls/reconcile";

/** What is wrong with this object: the webhooks' rules again, lest the webhook was down (pepr.ts hands them in). */
export type Rules = (cluster: MySQLCluster) => readonly Problem[];

export interface Ports {
  readonly kube: Kube;
  readonly agents: Agents;
  readonly applier: Applier;
  readonly settings: Settings;
  readonly rules: Rules;
  /** Last intent of each agent, by pod UID. */
  readonly told: Map<string, string>;
  /** The agent that this release brings; undefined = none was found beside the controller. */
  readonly bundle?: AgentBundle;
  /** When it was sent to a pod (by UID), ms since 1970. */
  readonly sent: Map<string, number>;
  now(): Date;
}

/** In this order: the pods need the Secrets, the accounts the CA, the members' answers the pods. */
const CONCERNS: readonly Concern[] = [
  reconcileTls,
  reconcileAccounts,
  reconcileConfig,
  reconcileServices,
  reconcileInstances,
  reconcileMembers,
  reconcileRetirement,
  reconcileRollout,
];

/** While something is under way; the sweep (30 s) does the rest. */
const BUSY_MS = 1_000;
const DEGRADED_MS = 2_000;

/** "namespace/name", the work queue's key. */
export function keyOf({
  metadata,
}: {
  readonly metadata: { readonly name: string; readonly namespace?: string };
}): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}

/** One run. @throws what a concern or the API server threw, after the status is written. */
export async function reconcile(ports: Ports, key: string): Promise<RunResult | undefined> {
  const [namespace = "", name = ""] = key.split("/");
  const ref = { apiVersion: API_VERSION, kind: "MySQLCluster", namespace, name };
  const stored = await ports.kube.get<MySQLCluster>(ref);
  if (!stored) return undefined;
  const cluster = defaulted(stored);
  if (cluster.metadata.deletionTimestamp !== undefined) return remove(ports, cluster);
  if (cluster.spec.paused) return pause(ports, cluster);
  const refused = formatDenial(ports.rules(stored));
  if (refused !== undefined) return refuse(ports, cluster, refused);
  return maintain(ports, cluster);
}

async function maintain(ports: Ports, stored: Cluster): Promise<RunResult | undefined> {
  const { kube, now } = ports;
  const { namespace, name } = stored.metadata;
  const labels = { [LABEL.cluster]: name };
  const secrets = await kube.list<Secret>({ apiVersion: "v1", kind: "Secret", namespace, labels });
  const byName = new Map(secrets.map((secret) => [secret.metadata.name, secret]));
  const identity = await ensureIdentity(kube, stored, byName);
  const cluster = defaulted(identity.cluster);
  if (identity.origin !== "known") await tell(kube, cluster, [created(cluster, identity)], now());
  const { clusterId, initialised, formerClusterIds } = identity;
  const ids = { clusterId, formerClusterIds };
  const context = { ...ports, ...ids, cluster, name, namespace, initialised, secrets: byName, now: now() };
  const { observed, failed } = await runConcerns(context);
  // Nothing is known of the instances: the status would only lie.
  if (!observed.instances) throw new AggregateError(failed, messages(failed));
  const members = observed.instances.flatMap(({ member }) => (member ? [member] : []));
  const recovered = recoveredIdentity(identity, members);
  if (recovered) return adopt(ports, cluster, { identity, recovered });
  const known = { ...ids, initialised: initialised || hasPrimary(observed, ids) };
  await rememberPrimary(kube, cluster, known);
  const refused = foreignVolumes(name, ids, members);
  const before =
    identity.origin === "kept" ? { ...cluster, status: { phase: "Creating" as const } } : cluster;
  const status = statusOf(before, { ...known, observed, refused, settings: ports.settings, now: now() });
  await writeStatus(ports, cluster, { status, observed });
  if (failed.length > 0) throw new AggregateError(failed, messages(failed));
  return wait(status, observed);
}

/** Runs every concern in order, also after one that failed: a Service that is refused must not hide a failover. */
async function runConcerns(
  base: Omit<Context, "observed">,
): Promise<{ readonly observed: Partial<Observed>; readonly failed: readonly unknown[] }> {
  let observed: Partial<Observed> = {};
  const failed: unknown[] = [];
  for (const concern of CONCERNS) {
    try {
      observed = { ...observed, ...(await concern({ ...base, observed })) };
    } catch (error) {
      failed.push(error);
    }
  }
  return { observed, failed };
}

/** One of this cluster: what a foreign volume holds says nothing of ours. */
function hasPrimary({ instances = [] }: Partial<Observed>, ids: ClusterIds): boolean {
  return instances.some(
    ({ member }) => member?.role === "primary" && member.term >= 1 && !isForeign(member, ids),
  );
}

/** A person gave up what a lost majority may have held: the new id is ours from now on, the next run tells the others. */
async function adopt(
  { kube, now }: Ports,
  cluster: Cluster,
  { identity, recovered }: { readonly identity: Identity; readonly recovered: Identity },
): Promise<RunResult> {
  await rememberPrimary(kube, cluster, recovered);
  const message = `Recovered after the loss of the majority: cluster ${identity.clusterId} is ${recovered.clusterId} now; the other members are rebuilt from its primary.`;
  await tell(kube, cluster, [{ reason: "Recovered", message }], now());
  return { requeueAfterMs: 100 };
}

/** Before the status: never bootstrap a cluster again that had a primary. */
async function rememberPrimary(kube: Kube, cluster: Cluster, identity: Identity): Promise<void> {
  const patch = identityPatch(cluster, identity);
  if (patch) await kube.patch(refOf(cluster), patch);
}

async function remove(ports: Ports, cluster: Cluster): Promise<RunResult | undefined> {
  const { kube, now } = ports;
  await kube.patchStatus(refOf(cluster), { phase: "Deleting" });
  const fresh = (await kube.get<MySQLCluster>(refOf(cluster))) ?? cluster;
  return tearDown(kube, defaulted(fresh), now());
}

async function pause(ports: Ports, cluster: Cluster): Promise<undefined> {
  const status: Status = {
    ...cluster.status,
    phase: "Paused",
    observedGeneration: cluster.metadata.generation,
  };
  await writeStatus(ports, cluster, { status, observed: {} });
  return undefined;
}

/** What runs goes on as it is; the object says why nothing of it is done. */
async function refuse(ports: Ports, cluster: Cluster, refused: string): Promise<undefined> {
  const term = cluster.status?.term ?? 0;
  const { clusterId = "", formerClusterIds = [] } = cluster.status ?? {};
  const input = { clusterId, formerClusterIds, initialised: term >= 1, refused };
  const made = statusOf(cluster, { ...input, observed: {}, settings: ports.settings, now: ports.now() });
  const about = new Set(["Ready", "Stalled"]);
  const kept = (cluster.status?.conditions ?? []).filter(({ type }) => !about.has(type));
  const said = (made.conditions ?? []).filter(({ type }) => about.has(type));
  const phase = term >= 1 ? cluster.status?.phase : "Failed";
  const conditions = [...said, ...kept];
  const status: Status = {
    ...cluster.status,
    phase,
    conditions,
    observedGeneration: made.observedGeneration,
  };
  await writeStatus(ports, cluster, { status, observed: {} });
  return undefined;
}

async function writeStatus(
  { kube, now }: Ports,
  cluster: Cluster,
  { status, observed }: { readonly status: Status; readonly observed: Partial<Observed> },
): Promise<void> {
  const patch = mergePatch(cluster.status, status);
  if (patch) await kube.patchStatus(refOf(cluster), patch);
  await tell(kube, cluster, eventsOf(cluster.status, status, observed), now());
}

function wait({ phase }: Status, { rollout }: Partial<Observed>): RunResult | undefined {
  const isRenewing = rollout?.waitsFor !== undefined && !rollout.byHand;
  if (phase === "Ready") return isRenewing ? { requeueAfterMs: DEGRADED_MS } : undefined;
  return { requeueAfterMs: phase === "Degraded" ? DEGRADED_MS : BUSY_MS };
}

type Origins = Awaited<ReturnType<typeof ensureIdentity>>;

function created(cluster: Cluster, { origin, found, clusterId }: Origins): ClusterEvent {
  const { metadata, spec } = cluster;
  const size = spec.instances === 1 ? "one instance" : `${spec.instances} instances`;
  const what = `${metadata.name}: MySQL ${spec.version}, ${size}, topology ${spec.topology}.`;
  const volumes = found.volumes ?? [];
  if (origin === "kept") {
    const empty = instanceNames(cluster).filter((instance) => !volumes.includes(instance));
    const begin = empty.length > 0 ? ` No volume of ${empty.join(", ")}: begins empty.` : "";
    const whose = `Cluster ${clusterId} again, over the volumes of ${volumes.join(", ")}.`;
    return { reason: "Created", message: `Making ${what} ${whose}${begin}` };
  }
  const former = found.systemSecret?.metadata.annotations?.[ANNOTATION.clusterId];
  const keys =
    former === undefined ? "" : ` No volume of former cluster ${former}: a new one, same passwords.`;
  return { reason: "Created", message: `Making ${what}${keys}` };
}

function messages(failed: readonly unknown[]): string {
  return failed.map((error) => (error instanceof Error ? error.message : String(error))).join("; ");
}
