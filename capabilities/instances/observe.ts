/** One instance as Kubernetes has it. Pure. */
import type { V1Pod } from "@kubernetes/client-node";
import { ANNOTATION, LABEL } from "../../api/labels";
import { VOTERS, WITNESS, type GroupName, type MemberKind, type SpecMember } from "../../api/members";
import { ordinalOf } from "../../api/names";
import { parseQuantity } from "../../api/quantity";
import { parseOptions } from "../config/changes";
import type { ObservedInstance } from "../context";
import type { Built } from "../objects";
import { STARTED_WITH } from "./pod";
import type { StatefulSet } from "./statefulset";
import { podTrouble } from "./trouble";

export type Pod = Built<V1Pod>;

/** Who a StatefulSet that the spec does not name any more was, by its labels. */
export function leftover(c: string, { metadata }: StatefulSet): SpecMember {
  const group: GroupName = metadata.labels?.[LABEL.pool] ?? VOTERS;
  const kind: MemberKind = group === VOTERS ? "voter" : group === WITNESS ? "witness" : "learner";
  return { name: metadata.name, kind, group, ordinal: ordinalOf(c, metadata.name) ?? 0, delay: "0s" };
}

/** Whether Kubernetes has seen the StatefulSet as it is wanted, so that a pod made now is of that template. */
export function isSettled(existing: StatefulSet | undefined, revision: string): boolean {
  const { metadata, spec, status } = existing ?? {};
  const own = spec?.template.metadata?.annotations?.[ANNOTATION.revision];
  return own === revision && (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 1);
}

/** The pod's part of what is known of a member. */
export function podOf(name: string, pods: readonly Pod[]): ObservedInstance["pod"] {
  const found = pods.find((pod) => pod.metadata.labels?.[LABEL.member] === name);
  if (!found) return undefined;
  const { metadata, spec, status } = found;
  const trouble = podTrouble(found);
  const startedWith = parseOptions(metadata.annotations?.[STARTED_WITH]);
  const revision = metadata.annotations?.[ANNOTATION.revision];
  const memoryBytes = memoryOf(found);
  return {
    uid: metadata.uid,
    ip: status?.podIP,
    node: spec?.nodeName,
    phase: status?.phase,
    terminating: metadata.deletionTimestamp !== undefined,
    ...(trouble && { trouble }),
    ...(startedWith && { startedWith }),
    ...(revision !== undefined && { revision }),
    ...(memoryBytes !== undefined && { memoryBytes }),
  };
}

function memoryOf({ spec }: Pod): number | undefined {
  const { limits, requests } = spec?.containers?.find(({ name }) => name === "mysql")?.resources ?? {};
  const memory = limits?.["memory"] ?? requests?.["memory"];
  return memory === undefined ? undefined : parseQuantity(memory);
}
