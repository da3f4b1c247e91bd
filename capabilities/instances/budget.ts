/** Keeps an election quorum through drains. None below 3 voters: it would block every drain. Pure. */
import type { V1PodDisruptionBudget } from "@kubernetes/client-node";
import { LABEL, clusterLabels } from "../../api/labels";
import { names } from "../../api/names";
import type { Place } from "../context";
import { ownerOf, type Built } from "../objects";

export type DisruptionBudget = Built<V1PodDisruptionBudget>;

/** The budget as a list of one or none. */
export function disruptionBudget(
  { cluster, name, namespace }: Place,
  {
    voters,
    maxUnavailable,
    pools = [],
  }: {
    readonly voters: number;
    readonly maxUnavailable: number | string;
    /** Read replicas, on whom no quorum rests. */
    readonly pools?: readonly string[];
  },
): DisruptionBudget[] {
  if (voters < 3) return [];
  const others = { matchExpressions: [{ key: LABEL.pool, operator: "NotIn", values: [...pools] }] };
  const matchLabels = { [LABEL.cluster]: name, [LABEL.component]: "instance" };
  return [
    {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: {
        name: names.budget(name),
        namespace,
        labels: clusterLabels(name, "budget"),
        ownerReferences: [ownerOf(cluster)],
      },
      spec: {
        maxUnavailable,
        selector: { matchLabels, ...(pools.length > 0 && others) },
      },
    },
  ];
}
