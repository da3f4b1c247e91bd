/**
 * Two repairs of the libraries below us; must be the first import of pepr.ts (pepr-facts 1.7).
 *
 * 1. Pepr's HTTPS server closes idle sockets after Node's 5 s while the API server still holds them: sporadic
 *    webhook EOFs. 90 s is longer than the API server's own idle time.
 * 2. kubernetes-fluent-client makes a new undici Agent for each call, so a new TLS connection that stays up to
 *    10 minutes (500 calls, 500 sockets, measured). One Agent for each set of credentials is enough.
 */
import https from "node:https";
import { createRequire } from "node:module";

type CreateServer = (...options: unknown[]) => https.Server;

const createServer = https.createServer.bind(https) as CreateServer;
(https as { createServer: CreateServer }).createServer = (...options) => {
  const server = createServer(...options);
  server.keepAliveTimeout = 90_000;
  server.headersTimeout = 95_000;
  return server;
};

interface AgentOptions {
  readonly connect?: { readonly ca?: unknown; readonly cert?: unknown; readonly key?: unknown };
}
type AgentClass = new (options?: AgentOptions) => object;

const fluentClient = createRequire(__filename).resolve("kubernetes-fluent-client");
const undici = createRequire(fluentClient)("undici") as { Agent: AgentClass };
const agents = new Map<string, object>();
undici.Agent = new Proxy(undici.Agent, {
  construct(target, [options]: [AgentOptions?]) {
    const { ca, cert, key } = options?.connect ?? {};
    const credentials = [ca, cert, key].map(String).join("|");
    const known = agents.get(credentials) ?? new target(options);
    agents.set(credentials, known);
    return known;
  },
});
