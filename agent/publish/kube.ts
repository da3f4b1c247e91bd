/**
 * The board in Kubernetes: five calls to the API server with the pod's service account, over one warm connection.
 *
 * Plain HTTPS on purpose. @kubernetes/client-node 1.4.0 is the project's choice elsewhere; in a bundle of this agent
 * (esbuild, Node 24) importing it and making two API objects took 78.8 MB resident where node:https took 51.3 MB:
 * 27 MB in every MySQL pod, for five requests.
 */
import { readFile } from "node:fs/promises";
import * as https from "node:https";
import * as path from "node:path";
import type { MemberRole } from "../../api/agent";
import { LABEL } from "../../api/labels";
import { API_VERSION, GROUP } from "../../api/names";
import { createHttpsClient, type HttpsClient, type Reply, type RequestOptions } from "../https";
import type { Board, Note } from "./board";
import type { Service, SlicePort } from "./conditional";
import { endpointSlice, sliceName, storedSlice } from "./slice";

export interface KubeOptions {
  readonly cluster: string;
  readonly namespace: string;
  readonly pod: string;
  /** Reporting instance of events. */
  readonly instance: string;
  /** Address and port of the API server (KUBERNETES_SERVICE_HOST, _PORT). */
  readonly host: string;
  readonly port: number;
  /** token, ca.crt. */
  readonly serviceAccount: string;
  readonly timeoutMs: number;
}

export const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** The kubelet renews the token's file long before its hour is over; read it anew each minute. */
const TOKEN_FRESH_MS = 60_000;

/** The board of the pod's own namespace. @throws when the service account's files cannot be read. */
export async function createKubeBoard(options: KubeOptions): Promise<Board> {
  const ca = await readFile(path.join(options.serviceAccount, "ca.crt"));
  const newAgent = (): https.Agent =>
    new https.Agent({ keepAlive: true, ca, maxSockets: 4, scheduling: "lifo" });
  return new KubeBoard(options, createHttpsClient({ port: options.port, newAgent, resetOnFailure: true }));
}

class KubeBoard implements Board {
  readonly slices: SlicePort;
  private token: { readonly text: string; readonly readAt: number } | undefined;
  private clusterUid: string | undefined;

  constructor(
    private readonly options: KubeOptions,
    private readonly client: HttpsClient,
  ) {
    this.slices = { read: (service) => this.read(service), write: (...args) => this.write(...args) };
  }

  close(): void {
    this.client.close();
  }

  async setRole(role: MemberRole): Promise<void> {
    const { namespace, pod } = this.options;
    const labels = { [LABEL.role]: role === "unknown" ? null : role };
    const reply = await this.call("PATCH", `/api/v1/namespaces/${namespace}/pods/${pod}`, {
      metadata: { labels },
    });
    expectOk(reply, `label of pod ${pod}`);
  }

  async tell(note: Note): Promise<void> {
    const { cluster, namespace, instance } = this.options;
    const uid = await this.readClusterUid();
    const at = new Date().toISOString();
    const event = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { generateName: `${cluster}.`, namespace },
      involvedObject: { apiVersion: API_VERSION, kind: "MySQLCluster", name: cluster, namespace, uid },
      reason: note.reason,
      message: note.message.slice(0, 1024),
      type: note.type,
      count: 1,
      firstTimestamp: at,
      lastTimestamp: at,
      source: { component: "porpoise-agent", host: this.options.pod },
      reportingComponent: "porpoise-agent",
      reportingInstance: instance,
    };
    expectOk(
      await this.call("POST", `/api/v1/namespaces/${namespace}/events`, event),
      `event ${note.reason}`,
    );
  }

  private async read(service: Service): ReturnType<SlicePort["read"]> {
    if (this.clusterUid === undefined) await this.readClusterUid(); // Here, not when a failover writes.
    const reply = await this.call("GET", this.slicePath(service));
    if (reply.status === 404) return undefined;
    return storedSlice(JSON.parse(expectOk(reply, `slice ${service}`)));
  }

  private async write(...[request, version]: Parameters<SlicePort["write"]>): ReturnType<SlicePort["write"]> {
    const { cluster, namespace } = this.options;
    const object = endpointSlice(request, { cluster, namespace, clusterUid: this.clusterUid }, version);
    const path = version === undefined ? this.slicesPath() : this.slicePath(request.service);
    const reply = await this.call(version === undefined ? "POST" : "PUT", path, object);
    // 409: another version, or it exists by now; 404: it was deleted since. Read again in each case.
    if (reply.status === 409 || (reply.status === 404 && version !== undefined)) return "conflict";
    return storedSlice(JSON.parse(expectOk(reply, `slice ${request.service}`)));
  }

  /** For the owner reference and for events; undefined when it may not be read. */
  private async readClusterUid(): Promise<string | undefined> {
    if (this.clusterUid !== undefined) return this.clusterUid;
    const { cluster, namespace } = this.options;
    const reply = await this.call(
      "GET",
      `/apis/${GROUP}/v1/namespaces/${namespace}/mysqlclusters/${cluster}`,
    );
    if (reply.status !== 200) return undefined;
    this.clusterUid = (JSON.parse(reply.body) as { metadata?: { uid?: string } }).metadata?.uid;
    return this.clusterUid;
  }

  private async call(method: RequestOptions["method"], path: string, body?: object): Promise<Reply> {
    const authorization = { authorization: `Bearer ${await this.readToken()}` };
    const patch: Record<string, string> =
      method === "PATCH" ? { "content-type": "application/merge-patch+json" } : {};
    return this.client.request(this.options.host, {
      method,
      path,
      body: body && JSON.stringify(body),
      timeoutMs: this.options.timeoutMs,
      headers: { accept: "application/json", ...authorization, ...patch },
    });
  }

  private async readToken(): Promise<string> {
    const now = performance.now();
    if (this.token && now - this.token.readAt < TOKEN_FRESH_MS) return this.token.text;
    const text = (await readFile(path.join(this.options.serviceAccount, "token"), "utf8")).trim();
    this.token = { text, readAt: now };
    return text;
  }

  private slicesPath(): string {
    return `/apis/discovery.k8s.io/v1/namespaces/${this.options.namespace}/endpointslices`;
  }

  private slicePath(service: Service): string {
    return `${this.slicesPath()}/${sliceName(this.options.cluster, service)}`;
  }
}

/** The body of a good reply. @throws with the API server's own message. */
function expectOk({ status, body }: Reply, what: string): string {
  if (status >= 200 && status < 300) return body;
  throw new Error(`${what}: the API server answered ${status}: ${messageOf(body)}`);
}

function messageOf(body: string): string {
  try {
    return String((JSON.parse(body) as { message?: unknown }).message).slice(0, 300);
  } catch {
    return body.slice(0, 300);
  }
}
