/** A MySQLCluster as every part of Porpoise holds it. The types come from crds/mysqlcluster.yaml. */
import {
  MySQLClusterDefaults,
  type DefaultedMySQLClusterSpec,
  type MySQLClusterSpec,
  type MySQLClusterStatus,
} from "./generated/mysqlcluster";
import { API_VERSION } from "./names";

/** A value of `spec.config`. */
export type OptionValue = string | number | boolean;

export type {
  DefaultedMySQLClusterSpec,
  MySQLClusterSpec,
  MySQLClusterStatus,
  MySQLClusterStatusConditionsItem,
  MySQLClusterStatusMembersItem,
} from "./generated/mysqlcluster";

export const MYSQLCLUSTER_KIND = "MySQLCluster";

/** What we read of an object's metadata. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace: string;
  readonly uid?: string;
  readonly generation?: number;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  /** Present while the object is being deleted and a finalizer holds it. */
  readonly deletionTimestamp?: string;
  readonly finalizers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface MySQLCluster {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: typeof MYSQLCLUSTER_KIND;
  readonly metadata: ObjectMeta;
  /** Always there: the schema's default is {}. Its fields may lack theirs in tests and files; see `withDefaults`. */
  readonly spec: MySQLClusterSpec;
  readonly status?: MySQLClusterStatus;
}

/**
 * The spec with the schema's defaults, as the API server would store it. Admission sees objects that it already
 * filled in; tests and files have not been there.
 */
export function withDefaults(spec: MySQLClusterSpec | undefined): DefaultedMySQLClusterSpec {
  return overlay(MySQLClusterDefaults, spec ?? {}) as DefaultedMySQLClusterSpec;
}

/** `written` over `defaults`, object by object; the defaults hold no maps, so a key is always a field. */
function overlay(defaults: object, written: object): object {
  const merged: Record<string, unknown> = { ...defaults };
  for (const [field, value] of Object.entries(written) as [string, unknown][]) {
    const below = merged[field];
    if (value === undefined || value === null) continue;
    merged[field] = isObject(below) && isObject(value) ? overlay(below, value) : value;
  }
  return merged;
}

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Names of the instances, by ordinal: "shop-0", "shop-1", … */
export function instanceNames(cluster: MySQLCluster): string[] {
  const { instances } = withDefaults(cluster.spec);
  return Array.from({ length: instances }, (_, ordinal) => `${cluster.metadata.name}-${ordinal}`);
}

/** Memory of each MySQL container as a quantity: the limit, else the request (which has a default). */
export function memoryOf(cluster: MySQLCluster): string {
  const { limits, requests } = withDefaults(cluster.spec).resources;
  return String(limits?.memory ?? requests.memory);
}
