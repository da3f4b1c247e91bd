/**
 * The API server, in our words. The narrow rim through which the controller reads and writes Kubernetes.
 *
 * Not kubernetes-fluent-client: its field manager is fixed, it has no time limit and no optimistic lock
 * (pepr-facts 1.6). Credentials come from @kubernetes/client-node; the requests are plain HTTPS over kept
 * connections, each with a time limit.
 */
import { createHash } from "node:crypto";
import https from "node:https";
import { KubeConfig } from "@kubernetes/client-node";
import { MANAGER } from "../api/labels";
import { describeRef, refOf, type KubeObject, type Ref } from "./objects";

export interface Query {
  readonly apiVersion: string;
  readonly kind: string;
  /** Absent = all namespaces. */
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface Kube {
  /** Server-side apply as field manager "porpoise", forced: the object is ours. @returns what is stored now. */
  apply<T extends KubeObject>(object: T): Promise<T>;
  /** @returns false when an object of that name exists already. */
  create(object: KubeObject): Promise<boolean>;
  /** undefined = there is none. */
  get<T extends KubeObject>(ref: Ref): Promise<T | undefined>;
  list<T extends KubeObject>(query: Query): Promise<T[]>;
  /** JSON merge patch; with metadata.resourceVersion in it a lost race is a KubeError of status 409. */
  patch<T extends KubeObject>(ref: Ref, change: object): Promise<T>;
  /** JSON merge patch of `.status`; lists are replaced whole. */
  patchStatus(ref: Ref, status: object): Promise<void>;
  /**
   * An object that is already gone is no error, nor is another one of that name when `uid` is given.
   */
  delete(ref: Ref, uid?: string): Promise<void>;
}

/** The API server refused or did not answer. `status` 0 = no answer. */
export class KubeError extends Error {
  constructor(
    readonly status: number,
    readonly what: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`${what}: ${reason}`, options);
    this.name = "KubeError";
  }
}

const CLUSTER_SCOPED = new Set([
  "Namespace",
  "CustomResourceDefinition",
  "ClusterRole",
  "ClusterRoleBinding",
  "MutatingWebhookConfiguration",
  "ValidatingWebhookConfiguration",
  "PriorityClass",
  "StorageClass",
  "Node",
]);

/** Plural of a kind in URLs, by Kubernetes' own rule; every kind we touch follows it. */
function plural(kind: string): string {
  const lower = kind.toLowerCase();
  if (lower.endsWith("s")) return `${lower}es`;
  return lower.endsWith("y") ? `${lower.slice(0, -1)}ies` : `${lower}s`;
}

/** Path of a kind's collection, or of one object in it. */
export function pathOf({ apiVersion, kind, namespace, name }: Omit<Ref, "name"> & { name?: string }): string {
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = namespace === undefined || CLUSTER_SCOPED.has(kind) ? "" : `/namespaces/${namespace}`;
  return `${root}${scope}/${plural(kind)}${name === undefined ? "" : `/${name}`}`;
}

interface Call {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  readonly path: string;
  readonly what: string;
  readonly contentType?: string;
  readonly body?: object;
}

const MERGE = "application/merge-patch+json";
const APPLY = "application/apply-patch+yaml"; // JSON is YAML

/** Longer than a slow webhook (10 s) is not worth waiting for: the work queue comes again. */
const CALL_TIMEOUT_MS = 15_000;

export class HttpKube implements Kube {
  private agents = new Map<string, https.Agent>();

  /** @param config credentials; in a pod, its service account's. */
  constructor(
    private readonly config: KubeConfig,
    private readonly fieldManager: string = MANAGER,
  ) {}

  /** From KUBECONFIG, else ~/.kube/config, else the pod's service account. */
  static fromEnvironment(fieldManager?: string): HttpKube {
    const config = new KubeConfig();
    config.loadFromDefault();
    return new HttpKube(config, fieldManager);
  }

  async apply<T extends KubeObject>(object: T): Promise<T> {
    const ref = refOf(object);
    const path = `${pathOf(ref)}?fieldManager=${this.fieldManager}&force=true&fieldValidation=Strict`;
    const call = { method: "PATCH", path, contentType: APPLY, body: object } as const;
    return (await this.send({ ...call, what: `apply ${describeRef(ref)}` })) as T;
  }

  async create(object: KubeObject): Promise<boolean> {
    const ref = refOf(object);
    const path = `${pathOf({ ...ref, name: undefined })}?fieldManager=${this.fieldManager}&fieldValidation=Strict`;
    const call: Call = { method: "POST", path, body: object, what: `create ${describeRef(ref)}` };
    return (await absentOn(409, this.send(call))) !== undefined;
  }

  async get<T extends KubeObject>(ref: Ref): Promise<T | undefined> {
    const call: Call = { method: "GET", path: pathOf(ref), what: `get ${describeRef(ref)}` };
    return (await absentOn(404, this.send(call))) as T | undefined;
  }

  async list<T extends KubeObject>(query: Query): Promise<T[]> {
    const { apiVersion, kind, labels = {} } = query;
    const selector = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
    const path = `${pathOf(query)}?labelSelector=${encodeURIComponent(selector.join(","))}`;
    const list = (await this.send({ method: "GET", path, what: `list ${kind}` })) as { items?: T[] };
    // Items of a list carry neither apiVersion nor kind.
    return (list.items ?? []).map((item) => ({ ...item, apiVersion, kind }));
  }

  async patch<T extends KubeObject>(ref: Ref, change: object): Promise<T> {
    const path = `${pathOf(ref)}?fieldManager=${this.fieldManager}`;
    const call = { method: "PATCH", path, contentType: MERGE, body: change } as const;
    return (await this.send({ ...call, what: `patch ${describeRef(ref)}` })) as T;
  }

  async patchStatus(ref: Ref, status: object): Promise<void> {
    const path = `${pathOf(ref)}/status?fieldManager=${this.fieldManager}`;
    const call = { method: "PATCH", path, contentType: MERGE, body: { status } } as const;
    await this.send({ ...call, what: `patch status of ${describeRef(ref)}` });
  }

  async delete(ref: Ref, uid?: string): Promise<void> {
    const preconditions = uid === undefined ? {} : { preconditions: { uid } };
    const options = { propagationPolicy: "Background", ...preconditions };
    const body = { apiVersion: "v1", kind: "DeleteOptions", ...options };
    const call: Call = { method: "DELETE", path: pathOf(ref), body, what: `delete ${describeRef(ref)}` };
    const gone = absentOn(404, this.send(call));
    // 409: the precondition does not hold, the object that was meant is gone.
    await (uid === undefined ? gone : absentOn(409, gone));
  }

  private async send(call: Call): Promise<unknown> {
    const server = this.config.getCurrentCluster()?.server;
    if (server === undefined) throw new KubeError(0, call.what, "no cluster in the Kubernetes configuration");
    const credentials: https.RequestOptions = {};
    await this.config.applyToHTTPSOptions(credentials);
    const { ca, cert, key, headers, rejectUnauthorized } = credentials;
    const agent = this.agentFor({ ca, cert, key, rejectUnauthorized });
    const payload = call.body === undefined ? undefined : JSON.stringify(call.body);
    const answer = await exchange(new URL(call.path, server), payload, {
      agent,
      method: call.method,
      headers: { ...headers, accept: "application/json", ...contentHeaders(call, payload) },
    }).catch((cause: unknown) => {
      throw new KubeError(0, call.what, `no answer: ${errorText(cause)}`, { cause });
    });
    if (answer.status >= 300) throw new KubeError(answer.status, call.what, refusal(answer));
    return JSON.parse(answer.body) as unknown;
  }

  /** One kept pool of connections for each set of credentials. */
  private agentFor(options: https.AgentOptions): https.Agent {
    const key = createHash("sha256").update(JSON.stringify(options)).digest("hex");
    const agent = this.agents.get(key) ?? new https.Agent({ ...options, keepAlive: true, maxSockets: 16 });
    this.agents.set(key, agent);
    return agent;
  }
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

function contentHeaders(call: Call, payload: string | undefined): Record<string, string> {
  if (payload === undefined) return {};
  return {
    "content-type": call.contentType ?? "application/json",
    "content-length": String(Buffer.byteLength(payload)),
  };
}

function exchange(url: URL, payload: string | undefined, options: https.RequestOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = https.request(url, options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
      );
    });
    const limit = setTimeout(() => request.destroy(new Error("timed out")), CALL_TIMEOUT_MS);
    request.on("close", () => clearTimeout(limit));
    request.on("error", reject);
    request.end(payload);
  });
}

/** The server's own sentence; a Status never repeats the object that was sent. */
function refusal({ status, body }: Answer): string {
  try {
    const { message } = JSON.parse(body) as { message?: string };
    return message ?? `HTTP ${status}`;
  } catch {
    return `HTTP ${status}`;
  }
}

async function absentOn<T>(status: number, answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof KubeError && error.status === status) return undefined;
    throw error;
  }
}

function errorText(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
