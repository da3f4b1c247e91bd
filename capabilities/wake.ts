/** Which cluster an event is about, and whether it is news. Pure but for what newsOf remembers. */
import { LABEL } from "../api/labels";

export interface WatchedObject {
  readonly kind?: string;
  readonly metadata?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly generation?: number;
    readonly deletionTimestamp?: unknown;
    readonly finalizers?: readonly string[];
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** Key of the cluster that the object is or belongs to. Objects of an initial list carry no kind. */
export function clusterOf({ kind, metadata }: WatchedObject): string | undefined {
  const name = kind === "MySQLCluster" ? metadata?.name : metadata?.labels?.[LABEL.cluster];
  return name === undefined || metadata?.namespace === undefined
    ? undefined
    : `${metadata.namespace}/${name}`;
}

/**
 * A watch also brings back what we write into the status ourselves: without this, every status patch would be the
 * next reconcile (pepr-facts 1.2). News is what a user or another controller changed.
 */
export function newsOf(): (object: WatchedObject) => boolean {
  const seen = new Map<string, string>();
  return (object) => {
    const { name, namespace, generation, deletionTimestamp, finalizers, labels, annotations } =
      object.metadata ?? {};
    const key = `${namespace ?? ""}/${name ?? ""}`;
    const facts = JSON.stringify([generation, deletionTimestamp, finalizers, labels, annotations]);
    if (seen.get(key) === facts) return false;
    seen.set(key, facts);
    return true;
  };
}
