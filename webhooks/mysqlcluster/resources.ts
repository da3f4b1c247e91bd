/** CPU and memory that Kubernetes would take for no pod. */
import { groupSpec } from "../../api/groups";
import { withDefaults, type DefaultedMySQLClusterSpec } from "../../api/mysqlcluster";
import { refuse, type Path, type Problem } from "../../api/problem";
import { parseQuantity } from "../../api/quantity";
import type { Change } from "./rule";

/** The API server refuses a pod whose limit is below its request; better said here, of this object. */
export function validateResources({ next }: Change): Problem[] {
  const spec = withDefaults(next.spec);
  const pools = (spec.readReplicas ?? []).flatMap(({ name, resources }, i) =>
    resources === undefined ? [] : validateOne(groupSpec(spec, name), ["spec", "readReplicas", i]),
  );
  return [...validateOne(spec, ["spec"]), ...pools];
}

function validateOne({ resources }: DefaultedMySQLClusterSpec, at: Path): Problem[] {
  const { requests, limits = {} } = resources;
  return (["cpu", "memory"] as const).flatMap((name): Problem[] => {
    const [limit, request] = [limits[name], requests[name]];
    if (limit === undefined || amount(limit) >= amount(request)) return [];
    const path = [...at, "resources", "limits", name];
    const remedy = `Set ${String(request)} or more, or request less.`;
    return [refuse(path, `below the request ${String(request)}`, { got: String(limit), remedy })];
  });
}

/** CPU ("500m", "4") or memory ("16Gi") as a number that compares with its like. */
function amount(quantity: string | number): number {
  const text = String(quantity);
  if (text.endsWith("m")) return Number(text.slice(0, -1)) / 1000;
  return Number.isNaN(Number(text)) ? parseQuantity(text) : Number(text);
}
