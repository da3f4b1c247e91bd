/** For this folder's tests: a sample cluster, a Kubernetes that is a Map, agents that say what the test wants. */
import { readFileSync, writeFileSync } from "node:fs";
import { dump } from "js-yaml";
import { expect } from "vitest";
import type { Intent, MemberStatus, TransferAnswer } from "../api/agent";
import type { MySQLCluster, MySQLClusterSpec } from "../api/mysqlcluster";
import { instanceHost } from "../api/names";
import { defaulted, type Cluster } from "./cluster";
import { KubeError, type Kube, type Query } from "./kube";
import type { AgentAddress, AgentBundle, Agents, Credentials } from "./members/agents";
import { describeRef, refOf, type KubeObject, type Ref } from "./objects";
import type { Settings } from "./settings";

export const settings: Settings = {
  porpoiseImage: "localhost/porpoise/porpoise:0.1.0",
  mysqlImage: "localhost/porpoise/mysql",
  clusterDomain: "cluster.local",
};

/** Cluster "shop" in namespace "retail", as the API server stores it. */
export function sample(
  spec: MySQLClusterSpec = {},
  metadata: Partial<MySQLCluster["metadata"]> = {},
): Cluster {
  const identity = {
    name: "shop",
    namespace: "retail",
    uid: "4b0c1a5e-0000-4000-8000-000000000001",
    generation: 1,
  };
  return defaulted({
    apiVersion: "porpoise.dev/v1",
    kind: "MySQLCluster",
    metadata: { ...identity, resourceVersion: "1", ...metadata },
    spec,
  });
}

/** A member that serves as a replica in term 1. */
export function member(name: string, values: Partial<MemberStatus> = {}): MemberStatus {
  return {
    name,
    memberId: `${name}.1`,
    agentVersion: "0.1.0",
    generation: 1,
    role: "replica",
    term: 1,
    ready: true,
    phase: "following",
    mysqld: "running",
    errant: "",
    ...values,
  };
}

/** Agents by instance name; what is not there does not answer. */
export class FakeAgents implements Agents {
  readonly members = new Map<string, MemberStatus>();
  readonly intents = new Map<string, Intent[]>();
  /** "transfer shop-0", "renew shop-1 <sha256>": what was asked, in order. */
  readonly asked: string[] = [];
  /** What a transfer is answered. */
  transferAnswer: TransferAnswer = { accepted: true, term: 1 };

  async status({ host }: AgentAddress, credentials: Credentials): Promise<MemberStatus> {
    if (credentials.key === "") throw new Error("no key");
    const found = [...this.members.values()].find(
      ({ name }) => instanceHost("shop", name, "retail") === host,
    );
    if (!found) throw new Error("no answer in time");
    return found;
  }

  async putIntent({ host }: AgentAddress, _credentials: Credentials, intent: Intent) {
    this.intents.set(host, [...(this.intents.get(host) ?? []), intent]);
    return { generation: intent.generation };
  }

  async transfer({ host }: AgentAddress) {
    this.asked.push(`transfer ${this.nameOf(host)}`);
    return this.transferAnswer;
  }

  async renew({ host }: AgentAddress, _credentials: Credentials, { sha256 }: AgentBundle) {
    this.asked.push(`renew ${this.nameOf(host)} ${sha256}`);
    return { sha256, restarts: true };
  }

  private nameOf(host: string): string {
    return host.split(".")[0]?.replace(/-0$/, "") ?? "";
  }
}

/** Kubernetes as a Map: apply replaces, a merge patch merges, a stale resourceVersion is a conflict. */
export class FakeKube implements Kube {
  readonly objects = new Map<string, KubeObject>();
  /** Refs whose apply is refused. */
  readonly refused = new Set<string>();
  readonly calls: string[] = [];
  private version = 1;

  /** The object, or undefined; `what` as describeRef writes it: "Service retail/shop". */
  find<T extends KubeObject>(what: string): T | undefined {
    return this.objects.get(what) as T | undefined;
  }

  all(kind: string): KubeObject[] {
    return [...this.objects.values()].filter((object) => object.kind === kind);
  }

  put(object: KubeObject): void {
    this.objects.set(describeRef(refOf(object)), this.stamped(object));
  }

  async apply<T extends KubeObject>(object: T): Promise<T> {
    const key = describeRef(refOf(object));
    this.calls.push(`apply ${key}`);
    if (this.refused.has(key)) throw new KubeError(422, `apply ${key}`, "refused by the test");
    const stored = this.stamped({ ...this.objects.get(key), ...object });
    this.objects.set(key, stored);
    return stored;
  }

  async create(object: KubeObject): Promise<boolean> {
    const key = describeRef(refOf(object));
    if (this.objects.has(key)) return false;
    this.objects.set(key, this.stamped(object));
    return true;
  }

  async get<T extends KubeObject>(ref: Ref): Promise<T | undefined> {
    return this.find<T>(describeRef(ref));
  }

  async list<T extends KubeObject>({ kind, namespace, labels = {} }: Query): Promise<T[]> {
    const has = ({ metadata }: KubeObject) =>
      (namespace === undefined || metadata.namespace === namespace) &&
      Object.entries(labels).every(([key, value]) => metadata.labels?.[key] === value);
    return this.all(kind).filter(has) as T[];
  }

  async patch<T extends KubeObject>(ref: Ref, change: object): Promise<T> {
    const key = describeRef(ref);
    const before = this.objects.get(key);
    if (!before) throw new KubeError(404, `patch ${key}`, "not found");
    const sent = (change as Partial<KubeObject>).metadata?.resourceVersion;
    if (sent !== undefined && sent !== before.metadata.resourceVersion)
      throw new KubeError(409, `patch ${key}`, "conflict");
    const after = this.stamped(merged(before, change) as KubeObject);
    const isReleased =
      after.metadata.deletionTimestamp !== undefined && after.metadata.finalizers?.length === 0;
    if (isReleased) this.objects.delete(key);
    else this.objects.set(key, after);
    return after as T;
  }

  async patchStatus(ref: Ref, status: object): Promise<void> {
    const key = describeRef(ref);
    this.calls.push(`status ${key}`);
    await this.patch(ref, { status });
  }

  async delete(ref: Ref, uid?: string): Promise<void> {
    const key = describeRef(ref);
    const stored = this.objects.get(key);
    if (!stored || (uid !== undefined && stored.metadata.uid !== uid)) return;
    this.calls.push(`delete ${key}`);
    this.objects.delete(key);
  }

  private stamped<T extends KubeObject>(object: T): T {
    const resourceVersion = String(++this.version);
    return { ...object, metadata: { ...object.metadata, resourceVersion } };
  }
}

/** JSON merge patch (RFC 7386). */
function merged(target: unknown, change: unknown): unknown {
  if (typeof change !== "object" || change === null || Array.isArray(change)) return change;
  const result: Record<string, unknown> = typeof target === "object" && target !== null ? { ...target } : {};
  for (const [key, value] of Object.entries(change)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}

/** Compares objects with a golden file; UPDATE_GOLDEN=1 writes it. Read the diff: it is what clusters will get. */
export function expectGolden(objects: readonly object[], file: string): void {
  // Through JSON first: what is undefined is not sent.
  const plain = objects.map((object) => JSON.parse(JSON.stringify(object)) as object);
  const text = plain.map((object) => dump(object, { lineWidth: -1, noRefs: true })).join("---\n");
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, "utf8"));
}
