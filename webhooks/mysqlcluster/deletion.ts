/** Deleting a cluster. */
import { withDefaults, type MySQLCluster } from "../../api/mysqlcluster";
import { plan, refuse, type Problem } from "../../api/problem";

/** A protected cluster stays; for any other one line says what goes and what stays. */
export function validateDeletion({ metadata, spec }: MySQLCluster): Problem[] {
  const { deletion, instances } = withDefaults(spec);
  if (deletion.protect) {
    const what = `${metadata.name} is protected: not deleted`;
    return [refuse([], what, { remedy: "Set spec.deletion.protect: false first." })];
  }
  const one = instances === 1;
  const count = one ? "1 instance" : `${instances} instances`;
  const gone = one ? " and its volume" : " and their volumes";
  const volumes = deletion.volumes === "retain" ? "; volumes stay" : gone;
  return [plan([], `delete: ${count}${volumes}`)];
}
