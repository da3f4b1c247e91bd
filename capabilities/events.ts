/** Kubernetes events about a MySQLCluster. */
import { randomBytes } from "node:crypto";
import { EVENTS } from "../api/events";
import { MANAGER } from "../api/labels";
import type { MySQLCluster } from "../api/mysqlcluster";
import type { Kube } from "./kube";
import type { KubeObject } from "./objects";
import type { ClusterEvent } from "./status/events";

/** Kubernetes refuses longer ones. */
const MESSAGE_MAX = 1_024;

/** The event as an object. Pure but for the name's random end, which is an argument. */
export function eventObject(
  cluster: Pick<MySQLCluster, "apiVersion" | "kind" | "metadata">,
  { reason, message }: ClusterEvent,
  { now, suffix }: { readonly now: Date; readonly suffix: string },
): KubeObject & Readonly<Record<string, unknown>> {
  const { name, namespace, uid } = cluster.metadata;
  const at = now.toISOString().replace(/\.\d+Z$/, "Z");
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: `${name}.${suffix}`, namespace },
    involvedObject: { apiVersion: cluster.apiVersion, kind: cluster.kind, name, namespace, uid },
    type: EVENTS[reason],
    reason,
    message: message.slice(0, MESSAGE_MAX),
    firstTimestamp: at,
    lastTimestamp: at,
    count: 1,
    source: { component: MANAGER },
    reportingComponent: MANAGER,
    reportingInstance: MANAGER,
  };
}

/** Tells the events; one that cannot be told is not worth a failed reconcile. */
export async function tell(
  kube: Pick<Kube, "create">,
  cluster: MySQLCluster,
  events: readonly ClusterEvent[],
  now: Date,
): Promise<void> {
  for (const event of events) {
    const suffix = randomBytes(8).toString("hex");
    await kube.create(eventObject(cluster, event, { now, suffix })).catch(() => undefined);
  }
}
