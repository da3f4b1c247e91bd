/** What the pods may do in Kubernetes: label themselves, publish the two slices, tell events. Nothing else. Pure. */
import type { V1Role, V1RoleBinding, V1ServiceAccount } from "@kubernetes/client-node";
import { clusterLabels } from "../../api/labels";
import { names } from "../../api/names";
import type { Place } from "../context";
import { ownerOf, type Built, type KubeObject, type Metadata } from "../objects";

/** ServiceAccount, Role and RoleBinding `<c>`; `instances` are the names of all that exist or are wanted. */
export function access(
  place: Place,
  instances: readonly string[],
  pools: readonly string[] = [],
): KubeObject[] {
  const { name: c, namespace } = place;
  const account: Built<V1ServiceAccount> = {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: meta(place, names.serviceAccount(c)),
  };
  const role: Built<V1Role> = {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "Role",
    metadata: meta(place, names.role(c)),
    rules: [
      {
        apiGroups: [""],
        resources: ["pods"],
        resourceNames: instances.map(names.pod),
        verbs: ["get", "patch"],
      },
      {
        apiGroups: ["discovery.k8s.io"],
        resources: ["endpointslices"],
        resourceNames: [
          names.primarySlice(c),
          names.replicasSlice(c),
          ...pools.map((pool) => names.poolService(c, pool)),
        ],
        verbs: ["get", "update", "patch"],
      },
      // RBAC cannot limit a create by name.
      { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["create"] },
      { apiGroups: ["", "events.k8s.io"], resources: ["events"], verbs: ["create", "patch"] },
      // Events are told about the cluster's own object, which they name by its UID.
      { apiGroups: ["porpoise.dev"], resources: ["mysqlclusters"], resourceNames: [c], verbs: ["get"] },
    ],
  };
  const binding: Built<V1RoleBinding> = {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: meta(place, names.role(c)),
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: names.role(c) },
    subjects: [{ kind: "ServiceAccount", name: names.serviceAccount(c), namespace }],
  };
  return [account, role, binding];
}

function meta({ cluster, name: c, namespace }: Place, name: string): Metadata {
  return { name, namespace, labels: clusterLabels(c, "access"), ownerReferences: [ownerOf(cluster)] };
}
