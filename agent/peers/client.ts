/** The HTTPS client of one peer: shows the agents' certificate, takes nobody without one. */
import * as https from "node:https";
import { createHttpsClient, type HttpsClient } from "../https";
import type { CertificateSource } from "./certificates";
import { identityProblem } from "./identity";

export interface PeerClientOptions {
  readonly port: number;
  readonly certificates: CertificateSource;
  /** SAN names one of which the peer must show. */
  readonly names: readonly string[];
}

/** A client for one peer; `reset` it when the certificates were renewed. */
export function createPeerClient({ port, certificates, names }: PeerClientOptions): HttpsClient {
  const newAgent = (): https.Agent => {
    const { cert, key, ca } = certificates.current();
    return new https.Agent({
      keepAlive: true,
      maxSockets: 8,
      scheduling: "lifo",
      cert,
      key,
      ca,
      minVersion: "TLSv1.3",
      servername: names[0],
      checkServerIdentity: (_host, certificate) => identityProblem(names, certificate),
    });
  };
  return createHttpsClient({ port, newAgent, resetOnFailure: false });
}
