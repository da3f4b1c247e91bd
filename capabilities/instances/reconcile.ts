/** Applies what makes the instances; reads their pods. */
import type { V1Pod } from "@kubernetes/client-node";
import { LABEL } from "../../api/labels";
import { ordinalOf } from "../../api/names";
import { instanceNames } from "../../api/mysqlcluster";
import { parseOptions } from "../config/changes";
import { placeOf, type Context, type Observed, type ObservedInstance } from "../context";
import type { Built, KubeObject } from "../objects";
import { access } from "./access";
import { disruptionBudget } from "./budget";
import { STARTED_WITH } from "./pod";
import { podTrouble } from "./trouble";
import { statefulSet, type StatefulSet } from "./statefulset";

type Pod = Built<V1Pod>;

/** Comes after config: the pods carry the options they start with. */
export async function reconcileInstances(context: Context): Promise<Partial<Observed>> {
  const { cluster, name, kube, namespace, settings, applier } = context;
  const options = context.observed.options ?? {};
  const labels = { [LABEL.cluster]: name, [LABEL.component]: "instance" };
  const [sets, pods] = await Promise.all([
    kube.list<StatefulSet>({ apiVersion: "apps/v1", kind: "StatefulSet", namespace, labels }),
    kube.list<Pod>({ apiVersion: "v1", kind: "Pod", namespace, labels }),
  ]);
  const wanted = instanceNames(cluster);
  const existing = new Map(sets.map((set) => [set.metadata.name, set]));
  const instances = [...new Set([...wanted, ...existing.keys()])].sort(byOrdinal(name));
  const built = wanted.map((instance) => {
    const input = { cluster, name: instance, ordinal: ordinalOf(name, instance) ?? 0, options, settings };
    return statefulSet(input, existing.get(instance));
  });
  built.filter((set) => !existing.has(set.metadata.name)).forEach((set) => applier.forget(set));
  const place = placeOf(context);
  const maxUnavailable = cluster.spec.pdb.maxUnavailable;
  const objects: KubeObject[] = [
    ...access(place, instances),
    ...disruptionBudget(place, { voters: cluster.spec.instances, maxUnavailable }),
    ...built,
  ];
  await applier.all(objects);
  return { instances: instances.map((instance) => observe(instance, wanted, pods)) };
}

function observe(name: string, wanted: readonly string[], pods: readonly Pod[]): ObservedInstance {
  const found = pods.find((pod) => pod.metadata.labels?.[LABEL.member] === name);
  const base = { name, wanted: wanted.includes(name) };
  if (!found) return base;
  const { metadata, spec, status } = found;
  const trouble = podTrouble(found);
  const startedWith = parseOptions(metadata.annotations?.[STARTED_WITH]);
  return {
    ...base,
    pod: {
      uid: metadata.uid,
      ip: status?.podIP,
      node: spec?.nodeName,
      phase: status?.phase,
      terminating: metadata.deletionTimestamp !== undefined,
      ...(trouble && { trouble }),
      ...(startedWith && { startedWith }),
    },
  };
}

function byOrdinal(cluster: string): (a: string, b: string) => number {
  const ordinal = (instance: string) => ordinalOf(cluster, instance) ?? Number.MAX_SAFE_INTEGER;
  return (a, b) => ordinal(a) - ordinal(b) || (a < b ? -1 : 1);
}
