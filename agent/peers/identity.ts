/**
 * Whom an agent takes for an agent: a certificate of the cluster's own CA whose SAN names this instance's pod or
 * `agent.<c>.porpoise` (one certificate for all agents of a cluster). The TLS layer has checked the CA already.
 */
import { checkServerIdentity, type PeerCertificate } from "node:tls";

/** The name every agent's certificate of cluster `c` may carry. */
export function agentName(cluster: string): string {
  return `agent.${cluster}.porpoise`;
}

/** Undefined when the certificate names one of `hosts`, else why not. */
export function identityProblem(hosts: readonly string[], certificate: PeerCertificate): Error | undefined {
  if (!certificate.subject) return new Error("no certificate shown");
  const problems = hosts.map((host) => checkServerIdentity(host, certificate));
  return problems.includes(undefined) ? undefined : problems[0];
}
