/** Listens on the two ports. Mutual TLS is the gate of the first: without a certificate of the cluster's CA no byte of HTTP. */
import * as http from "node:http";
import * as https from "node:https";
import type { Server } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Express, Request } from "express";
import { identityProblem, type CertificateSource } from "../peers";
import type { IsAgent } from "./apps";

export interface Listening {
  readonly port: number;
  /** Ends the listener and its connections. */
  close(): Promise<void>;
}

export interface ListenOptions {
  /** Undefined = all addresses. */
  readonly host?: string;
  /** 0 = any free port. */
  readonly port: number;
}

/** A follower's connections idle between elections: they must outlive the peers' warming look (5 s). */
const KEEP_ALIVE_MS = 60_000;

/** Port 9443; renewed certificates apply to new connections. */
export async function listenSecure(
  app: Express,
  certificates: CertificateSource,
  options: ListenOptions,
): Promise<Listening> {
  const tls = { ...certificates.current(), minVersion: "TLSv1.2" } as const;
  const server = https.createServer({ ...tls, requestCert: true, rejectUnauthorized: true }, app);
  certificates.onChange((next) => server.setSecureContext({ ...next, minVersion: "TLSv1.2" }));
  server.on("secureConnection", (socket) => socket.setNoDelay(true));
  return listen(server, options);
}

/** Port 8080. */
export function listenPlain(app: Express, options: ListenOptions): Promise<Listening> {
  return listen(http.createServer(app), options);
}

/** Checks the caller's certificate once for each connection: it has one of `hosts` as a SAN. */
export function agentChecker(hosts: () => readonly string[]): IsAgent {
  const known = new WeakMap<TLSSocket, boolean>();
  return (request: Request) => {
    const socket = request.socket as TLSSocket;
    const cached = known.get(socket);
    if (cached !== undefined) return cached;
    const fits = socket.authorized && identityProblem(hosts(), socket.getPeerCertificate()) === undefined;
    known.set(socket, fits);
    return fits;
  };
}

function listen(
  server: (http.Server | https.Server) & Server,
  { host, port }: ListenOptions,
): Promise<Listening> {
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.headersTimeout = KEEP_ALIVE_MS + 5_000;
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.removeListener("error", reject);
      const address = server.address();
      const actual = typeof address === "object" && address !== null ? address.port : port;
      resolve({ port: actual, close: () => closeServer(server) });
    });
  });
}

function closeServer(server: http.Server | https.Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
