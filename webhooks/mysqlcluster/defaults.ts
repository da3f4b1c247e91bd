/** What admission writes into a new MySQLCluster; everything else has its default in the schema. */
import { FINALIZER, LABEL } from "../../api/labels";
import type { ObjectMeta } from "../../api/mysqlcluster";

type Named = Pick<ObjectMeta, "finalizers" | "labels"> & { readonly name?: string };

/**
 * Finalizer and label of a new cluster. The name may still be missing: with generateName the API server makes it
 * after the webhooks; the controller adds the label then.
 */
export function metadataDefaults({
  name,
  finalizers = [],
  labels = {},
}: Named): Pick<ObjectMeta, "finalizers" | "labels"> {
  return {
    finalizers: finalizers.includes(FINALIZER) ? finalizers : [...finalizers, FINALIZER],
    labels: name === undefined || name === "" ? labels : { ...labels, [LABEL.cluster]: name },
  };
}
