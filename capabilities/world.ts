/** For this folder's tests: one cluster with Kubernetes' and the agents' parts played, run by run. */
import { expect } from "vitest";
import type { MemberStatus } from "../api/agent";
import { membersOf } from "../api/members";
import type { MySQLCluster, MySQLClusterSpec } from "../api/mysqlcluster";
import { Applier } from "./apply";
import type { KubeObject } from "./objects";
import { reconcile, type Ports } from "./reconcile";
import { FakeAgents, FakeKube, member, sample, settings } from "./testing";

export const VOTERS = ["shop-0", "shop-1", "shop-2"];

interface Set extends KubeObject {
  readonly spec: { readonly template: { readonly metadata: KubeObject["metadata"]; readonly spec: object } };
}

/** A controller that has seen nothing yet. `nowMs`: ms since 1970. */
export function portsOf(kube: FakeKube, agents: FakeAgents, nowMs: () => number): Ports {
  const memory = { told: new Map<string, string>(), sent: new Map<string, number>() };
  const applier = new Applier(kube, nowMs);
  return { kube, agents, applier, settings, rules: () => [], ...memory, now: () => new Date(nowMs()) };
}

export class World {
  readonly kube = new FakeKube();
  readonly agents = new FakeAgents();
  nowMs = Date.parse("2026-11-21T12:00:00Z");
  ports: Ports;

  constructor() {
    this.ports = portsOf(this.kube, this.agents, () => this.nowMs);
  }

  /** One run of the controller, a second later. */
  run() {
    this.nowMs += 1_000;
    return reconcile(this.ports, "retail/shop");
  }

  cluster(): MySQLCluster {
    return this.kube.find<MySQLCluster>("MySQLCluster retail/shop")!;
  }

  sets(): string[] {
    return this.kube.all("StatefulSet").map(({ metadata }) => metadata.name);
  }

  condition(wanted: string) {
    const found = this.cluster().status?.conditions?.find(({ type }) => type === wanted);
    const { status, reason, message } = found ?? {};
    return { status, reason, message };
  }

  /** Messages of the events of this reason. */
  events(wanted: string): string[] {
    return this.kube
      .all("Event")
      .map((event) => event as unknown as { reason: string; message: string })
      .filter(({ reason }) => reason === wanted)
      .map(({ message }) => message);
  }

  deleted(kind: string): string[] {
    return this.kube.calls.filter((call) => call.startsWith(`delete ${kind} `));
  }

  /** Kubernetes' part: it takes up every StatefulSet and makes the pods that are not there. */
  kubernetes(): void {
    const { kube, nowMs } = this;
    for (const set of kube.all("StatefulSet") as Set[]) {
      kube.put({ ...set, status: { observedGeneration: 1 } } as never);
      const name = `${set.metadata.name}-0`;
      if (kube.find(`Pod retail/${name}`)) continue;
      const { labels, annotations } = set.spec.template.metadata;
      const metadata = { name, namespace: "retail", uid: `${name}-${nowMs}`, labels, annotations };
      const status = { phase: "Running", podIP: "10.0.0.1" };
      kube.put({ apiVersion: "v1", kind: "Pod", metadata, spec: set.spec.template.spec, status } as never);
    }
  }

  /** The agents' part: these vote, the first of them leads; everybody the spec names answers. */
  serve(names: readonly string[], more: Partial<MemberStatus> = {}): void {
    const { agents } = this;
    const [primary = ""] = names;
    const voters = names.map((name) => `${name}.1`);
    const { generation = 1, annotations } = this.cluster().metadata;
    const clusterId = annotations?.["porpoise.dev/cluster-id"];
    const configuration = { term: 1, version: 1, voters, witnesses: [], k: 1 };
    const common = { configuration, generation, clusterId };
    const needed = Math.floor(names.length / 2) + 1;
    const quorum = { voters: names.length, needed, alive: names.length };
    for (const name of [...names, ...membersOf(this.cluster()).map((one) => one.name)])
      agents.members.set(name, member(name, { ...common, role: "replica" }));
    agents.members.set(primary, member(primary, { ...common, quorum, role: "primary", ...more }));
  }

  /** A cluster that was made and is Ready. */
  async ready(spec: MySQLClusterSpec = {}, voters: readonly string[] = VOTERS): Promise<void> {
    this.kube.put(sample(spec));
    await this.run();
    this.kubernetes();
    this.serve(voters);
    await this.run();
    await this.run();
    expect(this.cluster().status?.phase).toBe("Ready");
  }

  /** kubectl apply: another generation. */
  change(spec: MySQLClusterSpec): void {
    const stored = this.cluster();
    const generation = (stored.metadata.generation ?? 1) + 1;
    this.kube.put({ ...stored, metadata: { ...stored.metadata, generation }, spec } as never);
  }
}
