/** ConfigMap `<c>-config` with my.cnf; a restart takes it up, dynamic options go to the agents online. */
import { createHash } from "node:crypto";
import { ANNOTATION, clusterLabels } from "../../api/labels";
import { VOTERS, type GroupName } from "../../api/members";
import { names } from "../../api/names";
import { groupCluster, memoryBytes, type Cluster } from "../cluster";
import type { Context, Observed } from "../context";
import { ownerOf, type KubeObject } from "../objects";
import { MY_CNF, poolCnf } from "./files";
import { effective, myCnf, type Options } from "./options";

export interface ConfigMap extends KubeObject {
  readonly data: Readonly<Record<string, string>>;
}

/** Options of the instances, and of each pool by its name. */
export interface AllOptions {
  readonly options: Options;
  readonly poolOptions: Readonly<Record<string, Options>>;
}

/** What mysqld gets, group by group: the same options, sized by the group's memory. Pure. */
export function optionsOf(cluster: Cluster): AllOptions {
  const sized = (group: GroupName) =>
    effective(cluster.spec.config, memoryBytes(groupCluster(cluster, group)));
  const pools = (cluster.spec.readReplicas ?? []).map(({ name }) => [name, sized(name)] as const);
  return { options: sized(VOTERS), poolOptions: Object.fromEntries(pools) };
}

/** The ConfigMap of these options. */
export function configMap(
  context: Pick<Context, "cluster" | "name" | "namespace">,
  { options, poolOptions }: AllOptions,
): ConfigMap {
  const { cluster, name, namespace } = context;
  const pools = Object.entries(poolOptions).map(([pool, own]) => [poolCnf(pool), myCnf(own)] as const);
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
    data: { [MY_CNF]: myCnf(options), ...Object.fromEntries(pools) },
  };
}

/** Short name for a set of options. */
export function revision(options: Options): string {
  return createHash("sha256").update(JSON.stringify(options)).digest("hex").slice(0, 10);
}

/** Applies the ConfigMap. @returns the options in force for the next start. */
export async function reconcileConfig(context: Context): Promise<Partial<Observed>> {
  const all = optionsOf(context.cluster);
  await context.applier.all([configMap(context, all)]);
  return all;
}
