/** The EndpointSlice objects of `<c>-primary` and `<c>-replicas` (discovery.k8s.io/v1). Pure. */
import { isIPv6 } from "node:net";
import { MYSQL_PORT, type PublishRequest, type PublishedEndpoint } from "../../api/agent";
import { ANNOTATION, LABEL } from "../../api/labels";
import { API_VERSION, names } from "../../api/names";
import type { Service, StoredSlice } from "./conditional";

export interface SlicePlace {
  readonly cluster: string;
  readonly namespace: string;
  /** UID of the MySQLCluster, which owns the slice; undefined while it could not be read. */
  readonly clusterUid?: string;
}

/** Name of the slice and of its Service. */
export function sliceName(cluster: string, service: Service): string {
  if (service === "primary") return names.primarySlice(cluster);
  return service === "replicas" ? names.replicasSlice(cluster) : names.poolService(cluster, service);
}

/** The object to write; `version`: the resourceVersion it replaces, undefined for a new one. */
export function endpointSlice(
  request: PublishRequest,
  place: SlicePlace,
  version: string | undefined,
): object {
  const { cluster, namespace } = place;
  const name = sliceName(cluster, request.service);
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name,
      namespace,
      resourceVersion: version,
      labels: {
        "kubernetes.io/service-name": name,
        // Not Kubernetes' own controller: it deletes slices of its own name that it did not make.
        "endpointslice.kubernetes.io/managed-by": "porpoise-agent",
        [LABEL.cluster]: cluster,
      },
      annotations: { [ANNOTATION.term]: String(request.term), [ANNOTATION.clusterId]: request.clusterId },
      ownerReferences: place.clusterUid ? [owner(cluster, place.clusterUid)] : undefined,
    },
    addressType: request.endpoints.some(({ ip }) => isIPv6(ip)) ? "IPv6" : "IPv4",
    // The name must be that of the Service's port, or kube-proxy finds no endpoint for it.
    ports: [{ name: "mysql", port: MYSQL_PORT, protocol: "TCP" }],
    endpoints: request.endpoints.map((endpoint) => endpointObject(endpoint, namespace)),
  };
}

/** What the rule needs of an EndpointSlice that was read. */
export function storedSlice(object: unknown): StoredSlice {
  const { metadata, endpoints } = object as {
    metadata?: { resourceVersion?: string; annotations?: Record<string, string> };
    endpoints?: { addresses?: string[] }[] | null;
  };
  const term = Number(metadata?.annotations?.[ANNOTATION.term] ?? 0);
  return {
    term: Number.isSafeInteger(term) ? term : 0,
    clusterId: metadata?.annotations?.[ANNOTATION.clusterId],
    version: metadata?.resourceVersion ?? "",
    ips: (endpoints ?? []).flatMap(({ addresses }) => addresses ?? []),
  };
}

function endpointObject({ pod, ip, node }: PublishedEndpoint, namespace: string): object {
  return {
    addresses: [ip],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: node,
    targetRef: { kind: "Pod", name: pod, namespace },
  };
}

function owner(name: string, uid: string): object {
  return { apiVersion: API_VERSION, kind: "MySQLCluster", name, uid };
}
