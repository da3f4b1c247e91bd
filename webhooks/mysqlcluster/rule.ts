/** What every rule sees, and what it answers. Rules are pure; facts are read by the rim beforehand. */
import type { MySQLCluster } from "../../api/mysqlcluster";
import type { Problem } from "../../api/problem";

/** Facts of the Kubernetes cluster. One that could not be read is absent, and an absent fact never refuses. */
export interface Facts {
  /** The StorageClass the volumes are of, where its growth matters. */
  readonly storageClass?: { readonly name: string; readonly expandable: boolean };
}

/** A request as the rules see it. `previous` is absent at creation and in the controller's re-check. */
export interface Change {
  readonly next: MySQLCluster;
  readonly previous?: MySQLCluster;
  readonly facts: Facts;
}

export type Rule = (change: Change) => readonly Problem[];
