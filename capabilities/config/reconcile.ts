/** ConfigMap `<c>-config` with my.cnf; a restart takes it up, dynamic options go to the agents online. */
import { createHash } from "node:crypto";
import { ANNOTATION, clusterLabels } from "../../api/labels";
import { names } from "../../api/names";
import { memoryBytes } from "../cluster";
import type { Context, Observed } from "../context";
import { ownerOf, type KubeObject } from "../objects";
import { effective, myCnf, type Options } from "./options";

/** Key of my.cnf in the ConfigMap, so its file name in the pod. */
export const MY_CNF = "my.cnf";

export interface ConfigMap extends KubeObject {
  readonly data: Readonly<Record<string, string>>;
}

/** The ConfigMap of these options. */
export function configMap(
  context: Pick<Context, "cluster" | "name" | "namespace">,
  options: Options,
): ConfigMap {
  const { cluster, name, namespace } = context;
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      name: names.configMap(name),
      namespace,
      labels: clusterLabels(name, "config"),
      annotations: { [ANNOTATION.revision]: revision(options) },
      ownerReferences: [ownerOf(cluster)],
    },
    data: { [MY_CNF]: myCnf(options) },
  };
}

/** Short name for a set of options. */
export function revision(options: Options): string {
  return createHash("sha256").update(JSON.stringify(options)).digest("hex").slice(0, 10);
}

/** Applies the ConfigMap. @returns the options in force for the next start. */
export async function reconcileConfig(context: Context): Promise<Partial<Observed>> {
  const options = effective(context.cluster.spec.config, memoryBytes(context.cluster));
  await context.applier.all([configMap(context, options)]);
  return { options };
}
