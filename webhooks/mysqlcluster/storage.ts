/** Volumes keep the size and class they were made with. */
import { groupSpec, poolOf } from "../../api/groups";
import { withDefaults } from "../../api/mysqlcluster";
import { refuse, type Path, type Problem } from "../../api/problem";
import { parseQuantity } from "../../api/quantity";
import type { Change } from "./rule";

const PATH = ["spec", "storage", "size"];

/** No volume can shrink; one could grow where its StorageClass can, but this version's controller does not do it. */
export function validateStorageSize({ next, previous, facts }: Change): Problem[] {
  if (previous === undefined) return [];
  const [before, size] = [withDefaults(previous.spec).storage.size, withDefaults(next.spec).storage.size];
  const growth = parseQuantity(size) - parseQuantity(before);
  if (growth === 0) return [];
  const got = `${before} -> ${size}`;
  if (growth < 0) return [refuse(PATH, "volumes cannot shrink", { got, remedy: "Put it back." })];
  if (facts.storageClass?.expandable === false) {
    const what = `StorageClass ${facts.storageClass.name} cannot expand`;
    return [refuse(PATH, what, { got: size, remedy: "Name one that can." })];
  }
  return [refuse(PATH, "growing is not supported yet", { got, remedy: "Put it back." })];
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

/** The same for the volumes of a pool that stays. */
export function validatePoolStorage({ next, previous }: Change): Problem[] {
  if (previous === undefined) return [];
  const [before, after] = [withDefaults(previous.spec), withDefaults(next.spec)];
  return (after.readReplicas ?? []).flatMap(({ name }, i): Problem[] => {
    if (poolOf(before, name) === undefined) return [];
    const [was, is] = [groupSpec(before, name).storage, groupSpec(after, name).storage];
    const at: Path = ["spec", "readReplicas", i, "storage"];
    const remedy = "Put it back, or make another pool.";
    const fixed = (field: string, got: string) =>
      refuse([...at, field], "changing it is not supported yet", { got, remedy });
    return [
      ...(parseQuantity(was.size) === parseQuantity(is.size)
        ? []
        : [fixed("size", `${was.size} -> ${is.size}`)]),
      ...(was.storageClass === is.storageClass
        ? []
        : [fixed("storageClass", `${was.storageClass ?? "default"} -> ${is.storageClass ?? "default"}`)]),
    ];
  });
}
