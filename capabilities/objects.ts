/** Kubernetes objects as the controller builds and reads them. */
import { API_VERSION } from "../api/names";

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly finalizers?: readonly string[];
  readonly resourceVersion?: string;
  readonly uid?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
}

export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
}

/** An object of client-node's type T with our metadata: complete enough to apply. */
export type Built<T> = Omit<T, "apiVersion" | "kind" | "metadata"> & KubeObject;

/** Names one object. */
export interface Ref {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

/** The object's own reference. */
export function refOf(object: KubeObject): Ref {
  const { name, namespace } = object.metadata;
  return { apiVersion: object.apiVersion, kind: object.kind, name, namespace };
}

/** One line for messages: "StatefulSet shop/shop-0". */
export function describeRef({ kind, namespace, name }: Ref): string {
  return namespace === undefined ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}

/** Kubernetes' garbage collector removes what the cluster owns (architecture.md, owner references). */
export function ownerOf(cluster: { readonly metadata: Metadata }): OwnerReference {
  const { name, uid } = cluster.metadata;
  return {
    apiVersion: API_VERSION,
    kind: "MySQLCluster",
    name,
    uid: uid ?? "",
    controller: true,
    blockOwnerDeletion: true,
  };
}
