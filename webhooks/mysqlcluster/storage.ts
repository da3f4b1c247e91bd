/** Volumes: they grow, and that is all. */
import { withDefaults } from "../../api/mysqlcluster";
import { refuse, type Problem } from "../../api/problem";
import { parseQuantity } from "../../api/quantity";
import type { Change } from "./rule";

/** No volume can shrink; one can grow where its StorageClass can expand it. */
export function validateStorageSize({ next, previous, facts }: Change): Problem[] {
  if (previous === undefined) return [];
  const path = ["spec", "storage", "size"];
  const [before, size] = [withDefaults(previous.spec).storage.size, withDefaults(next.spec).storage.size];
  const growth = parseQuantity(size) - parseQuantity(before);
  if (growth < 0)
    return [refuse(path, "volumes cannot shrink", { got: `${before} -> ${size}`, remedy: "Put it back." })];
  if (growth === 0 || facts.storageClass === undefined || facts.storageClass.expandable) return [];
  const what = `StorageClass ${facts.storageClass.name} cannot expand`;
  return [refuse(path, what, { got: size, remedy: "Name one that can." })];
}

/** Moving to another class means rebuilding each instance; this version cannot. */
export function validateStorageClass({ next, previous }: Change): Problem[] {
  const [before, after] = [previous?.spec.storage?.storageClass, next.spec.storage?.storageClass];
  if (previous === undefined || before === after) return [];
  return [
    refuse(["spec", "storage", "storageClass"], "changing it is not supported yet", {
      got: `${before ?? "default"} -> ${after ?? "default"}`,
      remedy: "Put it back, or make a new cluster.",
    }),
  ];
}
