/** Annotation `porpoise.dev/allow: x, y`: the user waives a denial, by name, for one act. */
import { ANNOTATION } from "../../api/labels";
import type { MySQLCluster } from "../../api/mysqlcluster";

/** Whether the object waives this denial. */
export function isAllowed({ metadata }: MySQLCluster, waiver: string): boolean {
  const names = metadata.annotations?.[ANNOTATION.allow] ?? "";
  return names.split(",").some((name) => name.trim() === waiver);
}
