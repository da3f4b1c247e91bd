/**
 * JSON requests to one server over kept-alive TLS connections; peers/ and publish/ put their identities on top. A
 * request that fails or outlives its time takes all connections with it: behind a healed link the next request must
 * meet a fresh one, not one that the other side forgot.
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
  /** Ends all connections; the next request makes new ones, from `newAgent`. */
  reset(): void;
  close(): void;
}

const REPLY_BYTES_MAX = 4 << 20;

/** A client for one server's `port`; `newAgent` is asked for connections after each failure. */
export function createHttpsClient(port: number, newAgent: () => https.Agent): HttpsClient {
  let agent = newAgent();
  const reset = (): void => {
    agent.destroy();
    agent = newAgent();
  };
  return {
    async request(address, request) {
      const used = agent;
      try {
        return await send(used, { ...request, address, port });
      } catch (error) {
        if (used === agent) reset();
        // The server closed an idle connection while we wrote to it: it got nothing, a new one gets through.
        if (!isStale(error)) throw error;
        return send(agent, { ...request, address, port });
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
