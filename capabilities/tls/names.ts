/** The names that the cluster's certificates are good for. */
import { names } from "../../api/names";

/** `x`, `x.ns`, `x.ns.svc`, `x.ns.svc.<domain>`: every form in which a client may write a Service's name. */
export function qualified(name: string, namespace: string, domain: string): string[] {
  return [name, `${name}.${namespace}`, `${name}.${namespace}.svc`, `${name}.${namespace}.svc.${domain}`];
}

/** mysqld's certificate: the Services that clients use, each pod by name, and the pod's own loopback. */
export function serverNames(
  cluster: string,
  namespace: string,
  domain: string,
  pools: readonly string[] = [],
): string[] {
  const services = [
    names.service(cluster),
    names.primaryService(cluster),
    names.replicasService(cluster),
    `*.${names.instancesService(cluster)}`,
    ...pools.map((pool) => names.poolService(cluster, pool)),
  ];
  return [...services.flatMap((service) => qualified(service, namespace, domain)), "localhost"];
}

/** The agents' certificate, also the controller's own towards them. */
export function agentNames(cluster: string, namespace: string, domain: string): string[] {
  const pods = `*.${names.instancesService(cluster)}`;
  return [...qualified(pods, namespace, domain), `agent.${cluster}.porpoise`];
}
