/** The two Express applications (api/agent.ts has the protocol). They know HTTP; what is behind is an AgentApi. */
import express, { type Express, type NextFunction, type Request, type Response } from "express";
import type {
  IntentAnswer,
  MemberStatus,
  PublishRequest,
  Recovered,
  RecoverPlan,
  RenewAnswer,
  TransferAnswer,
} from "../../api/agent";
import type { PublishOutcome } from "../publish/conditional";
import type { PutResult } from "./intent";
import type { Refused } from "./recovery";
import type { RenewRefused } from "./renewal";

export interface AgentApi {
  status(): MemberStatus;
  putIntent(body: unknown): Promise<PutResult>;
  /** The generation held now. */
  generation(): number;
  transfer(body: unknown): TransferAnswer | string;
  /** Takes a message of a peer; undefined = taken. */
  raft(body: unknown, address: string): { readonly status: number; readonly refused: string } | undefined;
  publish(request: PublishRequest): Promise<PublishOutcome>;
  recover(body: unknown): Promise<RecoverPlan | Recovered | Refused>;
  renew(bundle: Buffer, sha256: string): Promise<RenewAnswer | RenewRefused>;
}

export interface Probes {
  /** The agent's loop turns. */
  live(): boolean;
  ready(): boolean;
  primary(): boolean;
  /** Serves reads within the lag limit. */
  replica(): boolean;
  status(): MemberStatus;
  metrics(): Promise<string>;
  readonly metricsType: string;
}

/** Received GTID sets of old clusters run to some 100 kB; a message of 1 MiB is none of ours. */
const BODY_MAX = "1mb";
/** The agent's bundle has 3 MB. */
const BUNDLE_MAX = "32mb";

/** Whether the caller showed a certificate of an agent of this cluster; `from` is the instance it says it is. */
export type IsAgent = (request: Request) => boolean;

/** Port 9443. */
export function secureApp(api: AgentApi, isAgent: IsAgent): Express {
  const app = newApp();
  app.use(express.json({ limit: BODY_MAX }));
  const agentsOnly = (request: Request, response: Response, next: NextFunction): void => {
    if (isAgent(request)) return next();
    response.status(403).json({ reason: "the certificate is not one of an agent of this cluster" });
  };
  app.post("/v1/raft", agentsOnly, (request, response) => {
    const refusal = api.raft(request.body, request.socket.remoteAddress ?? "");
    if (refusal) response.status(refusal.status).json({ reason: refusal.refused });
    else response.status(204).end();
  });
  app.get("/v1/ping", (_request, response) => void response.status(204).end());
  app.get("/v1/status", (_request, response) => void response.json(api.status()));
  app.put("/v1/intent", async (request, response) => {
    const result = await api.putIntent(request.body);
    const answer: IntentAnswer = { generation: api.generation() };
    if (result.taken) response.json(answer);
    else response.status(result.status).json({ ...answer, reason: result.reason });
  });
  app.post("/v1/transfer", (request, response) => {
    const answer = api.transfer(request.body);
    if (typeof answer === "string") response.status(400).json({ reason: answer });
    else response.status(answer.accepted ? 200 : 409).json(answer);
  });
  app.post("/v1/recover", agentsOnly, async (request, response) => {
    send(response, await api.recover(request.body));
  });
  app.put(
    "/v1/agent",
    agentsOnly,
    express.raw({ limit: BUNDLE_MAX, type: () => true }),
    async (request, response) => {
      const bundle: unknown = request.body;
      if (!Buffer.isBuffer(bundle) || bundle.length === 0)
        return void response.status(400).json({ reason: "the body is not a bundle" });
      send(response, await api.renew(bundle, request.get("x-sha256") ?? ""));
    },
  );
  app.post("/v1/publish", agentsOnly, async (request, response) => {
    const wanted = parsePublish(request.body);
    if (typeof wanted === "string") return void response.status(400).json({ reason: wanted });
    const outcome = await api.publish(wanted);
    if (outcome.result === "superseded") response.status(409).json(outcome);
    else if (outcome.result === "unreachable") response.status(502).json(outcome);
    else response.status(204).end();
  });
  return finish(app);
}

/** An answer, or a refusal with its reason. */
function send(response: Response, answer: object): void {
  if (!("reason" in answer && "status" in answer)) return void response.json(answer);
  response.status(Number(answer.status)).json({ reason: answer.reason });
}

/** Port 8080: plain, read-only, nothing in it that a network policy should hide. */
export function healthApp(probes: Probes): Express {
  const app = newApp();
  const probe = (path: string, ask: () => boolean): void => {
    app.get(path, (_request, response) => {
      const yes = ask();
      response
        .status(yes ? 200 : 503)
        .type("text/plain")
        .send(yes ? "yes\n" : "no\n");
    });
  };
  probe("/livez", probes.live);
  probe("/readyz", probes.ready);
  probe("/primary", probes.primary);
  probe("/replica", probes.replica);
  app.get("/status", (_request, response) => void response.json(probes.status()));
  app.get("/metrics", async (_request, response) => {
    response.type(probes.metricsType).send(await probes.metrics());
  });
  return finish(app);
}

/** The request in `body`, or what is wrong with it. */
export function parsePublish(body: unknown): PublishRequest | string {
  if (typeof body !== "object" || body === null) return "the request is not a JSON object";
  const request = body as Readonly<Record<keyof PublishRequest, unknown>>;
  const { service, term, leader, endpoints } = request;
  if (typeof service !== "string" || !/^[a-z][-a-z0-9]{0,14}$/.test(service))
    return "service is not primary, replicas or a pool";
  if (!Number.isSafeInteger(term) || (term as number) < 1) return "term is not a whole number above 0";
  if (typeof leader !== "string" || leader === "") return "leader is not a member id";
  if (!Array.isArray(endpoints) || endpoints.length > 100 || !endpoints.every(isEndpoint))
    return "endpoints is not a list of {instance, pod, ip}";
  if (!isOrigin(request)) return "clusterId or formerClusterIds is not made of texts";
  return body as PublishRequest;
}

function isEndpoint(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { instance, pod, ip } = value as Readonly<Record<string, unknown>>;
  return [instance, pod, ip].every((field) => typeof field === "string" && field !== "");
}

function newApp(): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  return app;
}

/** Whatever else is asked gets one sentence; what fails never shows its stack. */
function finish(app: Express): Express {
  app.use((request: Request, response: Response) => {
    response.status(404).json({ reason: `no ${request.method} ${request.path} here` });
  });
  app.use((error: Error & { status?: number }, _request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) return next(error);
    response.status(error.status ?? 500).json({ reason: error.message });
  });
  return app;
}

function isOrigin({ clusterId, formerClusterIds }: Readonly<Record<keyof PublishRequest, unknown>>): boolean {
  const ids = formerClusterIds ?? [];
  const isText = (id: unknown): boolean => typeof id === "string";
  return isText(clusterId ?? "") && Array.isArray(ids) && ids.length <= 100 && ids.every(isText);
}
