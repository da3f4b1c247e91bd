/** Facts the rules need of the Kubernetes cluster, read only when a rule would use them. */
import { withDefaults, type MySQLCluster } from "../../api/mysqlcluster";
import type { Facts } from "./rule";

/** What we read of a StorageClass. */
export interface StorageClass {
  readonly metadata?: { readonly name?: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly allowVolumeExpansion?: boolean;
}

const DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class";

/**
 * Facts about this change. Asks for the StorageClasses only when a volume grows; when they cannot be read, or not in
 * `patienceMs`, the fact is absent: it must not hold up an admission (api.md, Principles 8).
 */
export async function readFacts(
  next: MySQLCluster,
  previous: MySQLCluster | undefined,
  readStorageClasses: () => Promise<readonly StorageClass[]>,
  patienceMs = 2000,
): Promise<Facts> {
  const [before, after] = [previous, next].map(
    (cluster) => cluster && withDefaults(cluster.spec).storage.size,
  );
  if (before === undefined || before === after) return {};
  const classes = await withPatience(readStorageClasses, patienceMs);
  const found = classes.find(isClassOf(next.spec.storage?.storageClass));
  if (found?.metadata?.name === undefined) return {};
  return { storageClass: { name: found.metadata.name, expandable: found.allowVolumeExpansion === true } };
}

/** The class by its name, or the default class where the cluster names none. */
function isClassOf(name: string | undefined): (candidate: StorageClass) => boolean {
  return ({ metadata }) =>
    name === undefined ? metadata?.annotations?.[DEFAULT_CLASS] === "true" : metadata?.name === name;
}

async function withPatience<T>(read: () => Promise<readonly T[]>, patienceMs: number): Promise<readonly T[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly T[]>((resolve) => {
    timer = setTimeout(() => resolve([]), patienceMs);
  });
  try {
    return await Promise.race([read(), late]);
  } catch {
    return [];
  } finally {
    clearTimeout(timer);
  }
}
