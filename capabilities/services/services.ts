/**
 * The cluster's Services. The data Services have no selector: after an API outage Kubernetes takes healthy pods out
 * of selector Services for seconds (measured, sandbox.md); the slices that the agents write stay.
 */
import type { V1Service } from "@kubernetes/client-node";
import { AGENT_PORT, HEALTH_PORT, MYSQL_PORT } from "../../api/agent";
import { LABEL, clusterLabels } from "../../api/labels";
import { names } from "../../api/names";
import type { Place } from "../context";
import { ownerOf, type Built } from "../objects";

export type Service = Built<V1Service>;

const mysqlPort = { name: "mysql", port: MYSQL_PORT, targetPort: MYSQL_PORT, protocol: "TCP" };

/** `<c>`: the name applications are given; it moves to the proxy when there is one. */
export function frontService(place: Place): Service {
  const target = `${names.primaryService(place.name)}.${place.namespace}.svc.${place.clusterDomain}`;
  return service(place, names.service(place.name), { type: "ExternalName", externalName: target });
}

/** `<c>-primary` and `<c>-replicas`: the leader's agent writes their EndpointSlices. */
export function dataServices(place: Place): Service[] {
  return [names.primaryService(place.name), names.replicasService(place.name)].map((name) =>
    service(place, name, { type: "ClusterIP", ports: [mysqlPort] }),
  );
}

/** `<c>-instances`: a DNS name for each pod, from its first second: the agents find each other before they serve. */
export function instancesService(place: Place): Service {
  return service(place, names.instancesService(place.name), {
    type: "ClusterIP",
    clusterIP: "None",
    publishNotReadyAddresses: true,
    selector: { [LABEL.cluster]: place.name, [LABEL.component]: "instance" },
    ports: [
      mysqlPort,
      { name: "agent", port: AGENT_PORT, targetPort: AGENT_PORT, protocol: "TCP" },
      { name: "health", port: HEALTH_PORT, targetPort: HEALTH_PORT, protocol: "TCP" },
    ],
  });
}

/** `<c>-<pool>`: reads from that pool alone; its slice is the leader's too. */
export function poolServices(place: Place, pools: readonly string[]): Service[] {
  return pools.map((pool) =>
    service(place, names.poolService(place.name, pool), { type: "ClusterIP", ports: [mysqlPort] }),
  );
}

/** All that this concern owns. */
export function services(place: Place, pools: readonly string[] = []): Service[] {
  return [
    frontService(place),
    ...dataServices(place),
    instancesService(place),
    ...poolServices(place, pools),
  ];
}

function service(place: Place, name: string, spec: V1Service["spec"]): Service {
  const { cluster, namespace } = place;
  const labels = clusterLabels(place.name, "service");
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace, labels, ownerReferences: [ownerOf(cluster)] },
    spec,
  };
}
