/**
 * JSON requests to one server over kept-alive TLS connections; peers/ and publish/ put their identities on top. A
 * request that fails or outlives its time takes its connection with it: behind a healed link none is used again that
 * the other side forgot.
 */
import * as https from "node:https";

export interface Reply {
  readonly status: number;
  readonly body: string;
}

export interface RequestOptions {
  readonly method: "GET" | "POST" | "PUT" | "PATCH";
  readonly path: string;
  readonly body?: string;
  readonly timeoutMs: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface HttpsClient {
  /** @throws Error with a `code`, "ETIMEDOUT" when the time is out. */
  request(address: string, options: RequestOptions): Promise<Reply>;
  /** Ends all connections; the next request makes new ones. */
  reset(): void;
  close(): void;
}

const REPLY_BYTES_MAX = 4 << 20;

export interface ClientOptions {
  readonly port: number;
  readonly newAgent: () => https.Agent;
  /**
   * A failure ends all connections, not only its own. For a server asked one request at a time each dead connection
   * would cost its time-out. Wrong for peers: they stall on a busy machine, and new handshakes make that worse.
   */
  readonly resetOnFailure: boolean;
}

/** Connections that may turn out to be closed before one is made anew. */
const STALE_MAX = 3;

/** A client for one server. */
export function createHttpsClient({ port, newAgent, resetOnFailure }: ClientOptions): HttpsClient {
  let agent = newAgent();
  const reset = (): void => {
    agent.destroy();
    agent = newAgent();
  };
  return {
    async request(address, request) {
      for (let tries = 0; ; tries += 1) {
        const used = agent;
        try {
          return await send(used, { ...request, address, port });
        } catch (error) {
          if (resetOnFailure && used === agent) reset();
          // The server closed an idle connection while we wrote to it: it got nothing, another one gets through.
          if (!isStale(error) || tries === STALE_MAX) throw error;
        }
      }
    },
    reset,
    close: () => agent.destroy(),
  };
}

interface Sending extends RequestOptions {
  readonly address: string;
  readonly port: number;
}

function send(agent: https.Agent, sending: Sending): Promise<Reply> {
  const { address, port, method, path, body, timeoutMs } = sending;
  return new Promise((resolve, reject) => {
    const headers = { ...(body === undefined ? {} : jsonHeaders(body)), ...sending.headers };
    const request = https.request({ agent, host: address, port, method, path, headers });
    const fail = (error: Error): void => {
      clearTimeout(timer);
      request.destroy();
      reject(Object.assign(error, { reused: request.reusedSocket }));
    };
    const timer = setTimeout(() => fail(timedOut(address, timeoutMs)), timeoutMs);
    request.on("error", fail);
    request.on("socket", (socket) => socket.setNoDelay(true));
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("error", fail);
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > REPLY_BYTES_MAX) fail(new Error(`the reply of ${address} is too large`));
        chunks.push(chunk);
      });
      response.on("end", () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") });
      });
    });
    request.end(body);
  });
}

function jsonHeaders(body: string): Record<string, string> {
  return { "content-type": "application/json", "content-length": String(Buffer.byteLength(body)) };
}

function timedOut(address: string, timeoutMs: number): Error {
  return Object.assign(new Error(`no answer of ${address} within ${timeoutMs} ms`), { code: "ETIMEDOUT" });
}

function isStale(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, reused } = error as Error & { code?: string; reused?: boolean };
  return reused === true && (code === "ECONNRESET" || code === "EPIPE");
}
