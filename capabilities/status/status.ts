/** The status of a MySQLCluster from what was observed. Pure: one writer, one function. */
import { MYSQL_PORT, type FailoverRecord, type MemberStatus } from "../../api/agent";
import { LABEL } from "../../api/labels";
import { GOOD } from "../../api/conditions";
import type { MySQLCluster } from "../../api/mysqlcluster";
import { names } from "../../api/names";
import { engineImage, type Cluster } from "../cluster";
import type { Observed, ObservedInstance } from "../context";
import { isForeign, type ClusterIds } from "../members/intent";
import type { Settings } from "../settings";
import * as conditions from "./conditions";
import type { Facts, Finding } from "./conditions";
import { lostAdvice, silentSince } from "./lost";
import { scaling } from "./scaling";
import { viewOf, type View } from "./view";

export type Status = NonNullable<MySQLCluster["status"]>;
export type Phase = NonNullable<Status["phase"]>;
export type Condition = NonNullable<Status["conditions"]>[number];
type Member = NonNullable<Status["members"]>[number];

export interface StatusInput {
  readonly observed: Partial<Observed>;
  readonly clusterId: string;
  readonly formerClusterIds: readonly string[];
  readonly initialised: boolean;
  readonly refused?: string;
  readonly settings: Settings;
  readonly now: Date;
}

/** The whole status. What nobody knows now (a version, the last failover) stays as the previous status has it. */
export function statusOf(cluster: Cluster, input: StatusInput): Status {
  const { observed, clusterId, formerClusterIds, settings } = input;
  const { name, namespace } = cluster.metadata;
  const { instances = [], options } = observed;
  const view = viewOf(instances);
  const previous = cluster.status;
  return {
    phase: phaseOf(cluster, view, input),
    observedGeneration: cluster.metadata.generation,
    conditions: conditionsOf({ ...input, cluster, view }),
    instances: instances.filter(({ kind }) => kind === "voter").length,
    ready: `${view.ready.length}/${view.wanted.length}`,
    selector: `${LABEL.cluster}=${name},${LABEL.component}=instance,!${LABEL.pool}`,
    primary: view.primary?.name,
    term: ownTerm(view, input) || previous?.term,
    lag: slowest(view),
    version: view.primary?.mysqlVersion ?? previous?.version ?? cluster.spec.version,
    image: engineImage(cluster, settings),
    clusterId,
    ...(formerClusterIds.length > 0 && { formerClusterIds }),
    quorum: view.quorum,
    members: instances.map((instance) => memberOf(instance, { ...input, cluster, view })),
    rollout: rolloutOf(observed),
    endpoints: {
      service: endpoint(names.service(name), namespace),
      primary: endpoint(names.primaryService(name), namespace),
      replicas: endpoint(names.replicasService(name), namespace),
    },
    secrets: { app: names.appSecret(name), root: names.rootSecret(name), ca: names.caSecret(name) },
    lastFailover: lastFailover(view) ?? previous?.lastFailover,
    effective: { ...options },
  };
}

/** Another cluster's volumes have terms too: they must not make ours one that ever had a primary. */
function ownTerm({ answers }: View, ids: ClusterIds): number {
  const own = answers.filter((member) => !isForeign(member, ids));
  return Math.max(0, ...own.map(({ term }) => term));
}

/** In one word what the cluster is doing. */
export function phaseOf(
  { metadata, spec, status }: Cluster,
  view: View,
  { initialised, refused, observed }: Pick<StatusInput, "initialised" | "refused" | "observed">,
): Phase {
  if (metadata.deletionTimestamp !== undefined) return "Deleting";
  if (spec.paused === true) return "Paused";
  if (!initialised) return refused !== undefined ? "Failed" : "Creating";
  if (view.primary) {
    if (scaling(observed) !== undefined || conditions.isRolling(observed)) return "Updating";
    return view.ready.length === view.wanted.length ? "Ready" : "Degraded";
  }
  // Made anew over retained volumes: what never served cannot have failed.
  if (status?.phase === "Creating") return "Creating";
  return view.quorum.alive >= view.quorum.needed ? "FailingOver" : "NoQuorum";
}

/** Every condition, with the time of its last change kept from the previous status. */
export function conditionsOf(facts: Facts): Condition[] {
  const parts = [
    conditions.available(facts),
    conditions.faultTolerant(facts),
    conditions.replicating(facts),
    conditions.configApplied(facts),
    conditions.tlsValid(facts),
    conditions.reconciling(facts),
    conditions.stalled(facts),
  ];
  return [readyOf(facts, parts), ...parts].map((finding) => dated(finding, facts));
}

/**
 * Ready: the first bad one's reason. A cluster that was asked for with one or two instances, or an option that waits
 * for a restart, is as wanted: `kubectl wait` must not wait for it.
 */
function readyOf({ view, cluster }: Facts, parts: readonly Finding[]): Finding {
  const stalled = parts.find(({ type, status }) => type === "Stalled" && status === "True");
  const first = ["Available", "Replicating", "TLSValid"]
    .map((type) => parts.find((part) => part.type === type))
    .find((part) => part !== undefined && part.status !== "True");
  const fault = stalled ?? first;
  if (cluster.spec.paused === true && !fault) {
    return {
      type: "Ready",
      status: "Unknown",
      reason: GOOD,
      message: "The controller is told to keep its hands off.",
    };
  }
  if (fault) return { ...fault, type: "Ready", status: fault.status === "Unknown" ? "Unknown" : "False" };
  const message = `${view.ready.length} of ${view.wanted.length} instances serve.`;
  return { type: "Ready", status: "True", reason: GOOD, message };
}

function dated(finding: Finding, { cluster, now }: Facts): Condition {
  const before = cluster.status?.conditions?.find(({ type }) => type === finding.type);
  const since = before?.status === finding.status ? before.lastTransitionTime : undefined;
  return {
    ...finding,
    lastTransitionTime: since ?? now.toISOString().replace(/\.\d+Z$/, "Z"),
    observedGeneration: cluster.metadata.generation,
  };
}

function memberOf(instance: ObservedInstance, facts: Facts): Member {
  const { name, pod, member, wanted } = instance;
  const since = silentSince(instance, facts);
  const leaves = facts.observed.retirement?.waiting.find((one) => one.name === name);
  const text = leaves ? `leaves: waits for ${leaves.waitsFor}` : conditions.doing(instance);
  const phase = (lostAdvice(instance, facts) ?? text).slice(0, 256);
  const base = {
    name,
    ...(pod?.node !== undefined && { node: pod.node }),
    phase,
    ...(pod?.revision !== undefined && { revision: pod.revision }),
    ...(wanted && since !== undefined && { silentSince: since }),
  };
  if (!member) return { ...base, role: "unknown", ready: false };
  const { role, ready, lagMs, executed, errant, disk } = member;
  return {
    ...base,
    role,
    ready,
    errant,
    ...(lagMs !== undefined && { lag: `${Math.round(lagMs)}ms` }),
    ...(executed !== undefined && { executed }),
    ...(disk && { disk: { free: mebibytes(disk.freeBytes), total: mebibytes(disk.totalBytes) } }),
  };
}

/** Restarts that are to be done; what the next step waits for, also of agents' renewal. */
function rolloutOf({ instances = [], rollout }: Partial<Observed>): Status["rollout"] {
  const wanted = instances.filter((one) => one.wanted);
  const revision = wanted[0]?.target?.revision;
  if (revision === undefined || !rollout) return undefined;
  const total = wanted.length;
  const { outdated, waitsFor } = rollout;
  return {
    revision,
    updated: total - outdated.length,
    total,
    ...(waitsFor !== undefined && { waitingFor: waitsFor.slice(0, 500) }),
  };
}

/** Whole MiB: the free space of a busy volume changes all the time, its status need not. */
function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / 1024 ** 2)}Mi`;
}

function slowest({ answers }: View): string | undefined {
  const lags = answers.flatMap(({ lagMs }) => (lagMs === undefined ? [] : [Math.round(lagMs)]));
  return lags.length === 0 ? undefined : `${Math.max(...lags)}ms`;
}

/** The primary's own record; a bootstrap is no failover. */
function lastFailover({ primary, answers }: View): Status["lastFailover"] {
  const record = primary?.lastFailover;
  if (!record || record.reason === "bootstrap") return undefined;
  const { at, from, to, reason } = record;
  const discarded = answers.flatMap((member) => discardedSince(member, record)).join(",");
  return {
    at,
    ...(from !== undefined && { from }),
    to,
    reason,
    outage: `${Math.round(Object.values(record.phasesMs).reduce((sum, ms) => sum + ms, 0))}ms`,
    ...(discarded !== "" && { discarded }),
  };
}

function discardedSince({ discarded }: MemberStatus, { at }: FailoverRecord): string[] {
  return discarded && Date.parse(discarded.at) >= Date.parse(at) ? [discarded.gtids] : [];
}

function endpoint(service: string, namespace: string): string {
  return `${service}.${namespace}.svc:${MYSQL_PORT}`;
}
