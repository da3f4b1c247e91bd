/** The agents, in our words: mutual TLS with the cluster's own CA, one second a call. */
import https from "node:https";
import {
  AGENT_PORT,
  type Intent,
  type IntentAnswer,
  type MemberStatus,
  type RenewAnswer,
  type Transfer,
  type TransferAnswer,
} from "../../api/agent";

/** PEM; the controller shows the agents' own certificate. */
export interface Credentials {
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
}

export interface AgentAddress {
  /** Pod IP: a DNS name that did not exist yet would be remembered as absent. */
  readonly ip: string;
  /** Name that the agent's certificate must have. */
  readonly host: string;
}

export interface Agents {
  /** @throws when the agent does not answer in time. */
  status(address: AgentAddress, credentials: Credentials): Promise<MemberStatus>;
  /** @returns the generation the agent holds now: ours, or a newer one that it keeps. */
  putIntent(address: AgentAddress, credentials: Credentials, intent: Intent): Promise<IntentAnswer>;
  /** Asks a leader to hand over. A refusal is an answer, with the reason. */
  transfer(address: AgentAddress, credentials: Credentials, wanted: Transfer): Promise<TransferAnswer>;
  /** Puts a bundle in place of the running agent's; mysqld runs on. @throws with the agent's reason. */
  renew(address: AgentAddress, credentials: Credentials, bundle: AgentBundle): Promise<RenewAnswer>;
}

/** The agent that this release brings. */
export interface AgentBundle {
  readonly code: Buffer;
  /** Hex. */
  readonly sha256: string;
}

/** A healthy agent answers in milliseconds; one that takes a second is not healthy, and the others are waiting. */
const CALL_TIMEOUT_MS = 1_000;
/** A leader hands over before it answers. */
const ACT_TIMEOUT_MS = 15_000;
/** It tries the bundle before it takes it, too. */
const RENEW_TIMEOUT_MS = 40_000;
const ANSWER_MAX_BYTES = 1_048_576;

interface AgentCall {
  readonly method: string;
  readonly path: string;
  readonly payload?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export class HttpAgents implements Agents {
  private readonly pool = new Map<string, { readonly certificate: string; readonly agent: https.Agent }>();

  constructor(private readonly port: number = AGENT_PORT) {}

  async status(address: AgentAddress, credentials: Credentials): Promise<MemberStatus> {
    const { body } = await this.call(address, credentials, { method: "GET", path: "/v1/status" });
    return JSON.parse(body) as MemberStatus;
  }

  async putIntent(address: AgentAddress, credentials: Credentials, intent: Intent): Promise<IntentAnswer> {
    const request = { method: "PUT", path: "/v1/intent", payload: JSON.stringify(intent) };
    const { body } = await this.call(address, credentials, request);
    return JSON.parse(body) as IntentAnswer;
  }

  async transfer(address: AgentAddress, credentials: Credentials, wanted: Transfer): Promise<TransferAnswer> {
    const payload = JSON.stringify(wanted);
    const request = { method: "POST", path: "/v1/transfer", payload, timeoutMs: ACT_TIMEOUT_MS };
    const { body } = await this.call(address, credentials, request);
    return JSON.parse(body) as TransferAnswer;
  }

  async renew(
    address: AgentAddress,
    credentials: Credentials,
    { code, sha256 }: AgentBundle,
  ): Promise<RenewAnswer> {
    const headers = { "content-type": "application/octet-stream", "x-sha256": sha256 };
    const request = { method: "PUT", path: "/v1/agent", payload: code, headers, timeoutMs: RENEW_TIMEOUT_MS };
    const { status, body } = await this.call(address, credentials, request);
    const answer = JSON.parse(body) as RenewAnswer & { readonly reason?: string };
    if (status >= 300) throw new Error(answer.reason ?? `HTTP ${status}`);
    return answer;
  }

  private call(
    { ip, host }: AgentAddress,
    credentials: Credentials,
    { method, path, payload, headers: given, timeoutMs = CALL_TIMEOUT_MS }: AgentCall,
  ): Promise<{ status: number; body: string }> {
    const agent = this.connections(host, credentials);
    const headers = given ?? (payload === undefined ? {} : { "content-type": "application/json" });
    return new Promise((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`${method} ${path} of ${host}: ${why}`));
      const options = { host: ip, port: this.port, method, path, agent, servername: host, headers };
      const request = https.request(options, (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          body += chunk;
          if (body.length > ANSWER_MAX_BYTES) request.destroy(new Error("answer too long"));
        });
        response.on("error", (error) => fail(error.message));
        response.on("end", () => {
          const status = response.statusCode ?? 0;
          // 409 = the agent says why not: it holds a newer generation, it does not lead.
          if (status < 300 || status === 409) resolve({ status, body });
          else fail(`HTTP ${status}${reasonIn(body)}`);
        });
      });
      const limit = setTimeout(() => request.destroy(new Error("no answer in time")), timeoutMs);
      request.on("close", () => clearTimeout(limit));
      request.on("error", (error) => fail(error.message));
      request.end(payload);
    });
  }

  /** Kept connections for each host, until its certificate changes. */
  private connections(host: string, credentials: Credentials): https.Agent {
    const known = this.pool.get(host);
    if (known?.certificate === credentials.certificate) return known.agent;
    known?.agent.destroy();
    const { certificate: cert, key, authority: ca } = credentials;
    const agent = new https.Agent({ cert, key, ca, keepAlive: true, maxSockets: 2, minVersion: "TLSv1.2" });
    this.pool.set(host, { certificate: cert, agent });
    return agent;
  }
}

/** The agent's own sentence about a refusal. */
function reasonIn(body: string): string {
  try {
    const { reason } = JSON.parse(body) as { readonly reason?: string };
    return reason === undefined ? "" : `: ${reason}`;
  } catch {
    return "";
  }
}
