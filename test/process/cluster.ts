/**
 * A whole cluster on loopback: real supervisors, real agents from their bundles on the pod's Node.js, real mysqlds,
 * the file publisher in place of Kubernetes, and the test in place of the controller.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import type {
  Intent,
  MemberStatus,
  PublishedEndpoint,
  Timing,
  WantedMember,
  WantedRole,
} from "../../api/agent";
import { acknowledgements } from "../../api/quorum";
import { createPeerClient } from "../../agent/peers/client";
import { watchCertificates, agentName, type CertificateSource } from "../../agent/peers";
import { silentLog } from "../../agent/log";
import { readSliceFile } from "../../agent/publish";
import { bundle } from "../../images/bundle";
import { testAuthority, writeCertificates } from "../samples/certificates";
import { SMALL, waitFor } from "./common";
import { ACCOUNTS, Instance, PORTS } from "./instance";
import { installation } from "./rootfs";

export { ACCOUNTS, connectApp, Instance } from "./instance";

/** Addresses a cluster may grow to. */
const CAPACITY = 9;

export interface ClusterOptions {
  /** Data voters of the first day; default 3. */
  readonly members?: number;
  /** Start on data directories from the cache, not on empty volumes. */
  readonly template?: boolean;
  /** One more instance, a witness. */
  readonly witness?: boolean;
  readonly timing?: Timing;
  /** More of the agents' environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Third byte of the members' addresses, 127.0.<net>.<1 + n>: clusters beside each other need their own. */
  readonly net?: number;
}

/** A running cluster; `close` ends its processes and removes its files. */
export class Cluster {
  readonly name = "shop";
  readonly instances: Instance[] = [];
  intent!: Intent;
  readonly install = installation();
  /** Names are never used twice. */
  private placed = 0;
  private certificates!: CertificateSource;

  private constructor(
    readonly directory: string,
    readonly options: ClusterOptions,
  ) {}

  /** Starts supervisors and agents and tells them the first intent; waits for nothing. */
  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const missing = await bundle();
    if (missing.length > 0) throw new Error(`no bundle of ${missing.join(", ")}`);
    const directory = await mkdtemp(path.join(tmpdir(), "porpoise-cluster-"));
    const cluster = new Cluster(directory, options);
    const count = options.members ?? 3;
    await cluster.writeSecrets(Object.values(cluster.hosts));
    for (let at = 0; at < count; at += 1) cluster.place("voter");
    if (options.witness) cluster.place("witness");
    await Promise.all(cluster.instances.map((instance) => instance.start()));
    cluster.intent = {
      epoch: 1_000,
      generation: 1,
      clusterId: "0b5f8f3c-9f5e-4d5e-8a53-0c8a3b7d9f10",
      members: cluster.instances.map(({ name, role }) => ({ name, role })),
      formerClusterIds: [],
      initialised: false,
      timing: options.timing ?? { heartbeatMs: 150, electionTimeoutMs: 1_000 },
      autoFailover: true,
      maxLagMs: 10_000,
      usePrimary: "fallback",
      onlineConfig: {},
    };
    await cluster.putIntent({}).catch(async (error: unknown) => {
      const tails = await cluster.logTails();
      await cluster.close();
      throw new Error([String(error), ...tails].join("\n"));
    });
    return cluster;
  }

  /** Where every instance is or will be. */
  get hosts(): Readonly<Record<string, string>> {
    const net = this.options.net ?? 8;
    const of = (_: unknown, at: number): [string, string] => [`${this.name}-${at}`, `127.0.${net}.${at + 1}`];
    return Object.fromEntries(Array.from({ length: CAPACITY }, of));
  }

  private place(role: WantedRole): Instance {
    const ordinal = this.placed;
    const host = this.hosts[`${this.name}-${ordinal}`];
    if (host === undefined) throw new Error(`the cluster has ${CAPACITY} addresses`);
    const instance = new Instance(this, ordinal, host, role);
    this.placed += 1;
    this.instances.push(instance);
    return instance;
  }

  /** One more instance, as the controller makes one: the pod, then the intent that wants it. */
  async add({ role, delayMs }: Omit<WantedMember, "name">): Promise<Instance> {
    const instance = this.place(role);
    await instance.start();
    const wanted = { name: instance.name, role, ...(delayMs !== undefined && { delayMs }) };
    await this.putIntent({ members: [...this.intent.members, wanted] });
    return instance;
  }

  /** The intent wants these no more; their processes run on. Told to all but `but`. */
  async unwant(names: readonly string[], but: readonly Instance[] = []): Promise<void> {
    const members = this.intent.members.filter(({ name }) => !names.includes(name));
    await this.putIntent(
      { members },
      this.instances.filter((each) => !but.includes(each)),
    );
  }

  /** The instance is gone for good: its processes ended, nobody asks it any more. */
  async drop(instance: Instance): Promise<void> {
    await instance.end();
    this.instances.splice(this.instances.indexOf(instance), 1);
  }

  /**
   * Waits until the primary's configuration has exactly these voters, waits for as many acknowledgements as they ask
   * for, and no change is under way; its status.
   */
  async configured(voters: readonly string[], limitMs = 30_000): Promise<MemberStatus> {
    let last: MemberStatus | undefined;
    const holds = async (): Promise<boolean> => {
      const all = await Promise.all(this.instances.map((each) => each.status().catch(() => undefined)));
      last = all.find((status) => status?.role === "primary" && status.ready) ?? last;
      const names = last?.configuration?.voters.map((id) => id.slice(0, id.lastIndexOf("."))).sort();
      const { witnesses = [], k } = last?.configuration ?? {};
      const full = acknowledgements(voters.length, voters.length - witnesses.length);
      const same = JSON.stringify(names) === JSON.stringify([...voters].sort());
      return last?.membership === undefined && same && k === full;
    };
    try {
      await waitFor(`the voters ${voters.join(", ")}`, holds, limitMs);
    } catch (error) {
      const { configuration, membership, phase } = last ?? {};
      const seen = JSON.stringify({ configuration, membership, phase });
      throw new Error([String(error), seen, ...(await this.logTails(25))].join("\n"));
    }
    return last as MemberStatus;
  }

  /** Tells every agent that answers, as the controller does. @throws when one that should answer does not. */
  async putIntent(change: Partial<Intent>, to = this.instances): Promise<void> {
    this.intent = { ...this.intent, ...change, generation: this.intent.generation + 1 };
    for (const instance of to) {
      const put = async (): Promise<boolean> =>
        (await instance.ask("PUT", "/v1/intent", this.intent)).status === 200;
      await waitFor(`${instance.name} takes the intent`, () => put().catch(() => false), 20_000);
    }
  }

  /** Waits for a primary of a term above `above` that all running members follow; returns it. */
  async settled({ above = 0, limitMs = 60_000, ready = this.instances.length } = {}): Promise<Instance> {
    let seen: MemberStatus[] = [];
    const look = async (): Promise<boolean> => {
      seen = (await Promise.all(this.instances.map((each) => each.status().catch(() => undefined)))).flatMap(
        (status) => status ?? [],
      );
      const primary = seen.filter((status) => status.role === "primary" && status.ready);
      return (
        primary.length === 1 &&
        (primary[0]?.term ?? 0) > above &&
        seen.filter((each) => each.ready).length >= ready
      );
    };
    try {
      await waitFor("a primary and its replicas", look, limitMs);
    } catch (error) {
      const told = seen.map(({ name, term, role, phase }) => `${name} ${role} ${term}: ${phase}`);
      throw new Error([String(error), ...told, ...(await this.logTails())].join("\n"));
    }
    return this.instance(seen.find((status) => status.role === "primary")?.name ?? "");
  }

  instance(name: string): Instance {
    const found = this.instances.find((each) => each.name === name);
    if (!found) throw new Error(`no instance ${name}`);
    return found;
  }

  /** What clients of `<c>-primary` would reach. */
  async endpoint(): Promise<PublishedEndpoint | undefined> {
    return (await readSliceFile(this.boardDirectory, "primary"))?.endpoints[0];
  }

  get boardDirectory(): string {
    return path.join(this.directory, "board");
  }

  /** The events told so far, as "Reason: message". */
  async events(): Promise<string[]> {
    const text = await readFile(path.join(this.boardDirectory, "events.jsonl"), "utf8").catch(() => "");
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as { reason: string; message: string })
      .map(({ reason, message }) => `${reason}: ${message}`);
  }

  async logTails(lines = 15): Promise<string[]> {
    const tails = this.instances.map(async ({ name, logFile }) => {
      const text = await readFile(logFile, "utf8").catch(() => "");
      return `--- ${name}\n${text.trimEnd().split("\n").slice(-lines).join("\n")}`;
    });
    return Promise.all(tails);
  }

  /** Shows the agents' certificate, as the controller does. */
  client(): ReturnType<typeof createPeerClient> {
    return createPeerClient({
      port: PORTS.agent,
      certificates: this.certificates,
      names: [agentName(this.name)],
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.instances.map((instance) => instance.end()));
    this.certificates.close();
    if (process.env["KEEP"] === undefined) await rm(this.directory, { recursive: true, force: true });
  }

  private async writeSecrets(hosts: readonly string[]): Promise<void> {
    const authority = await testAuthority("shop CA");
    const ca = authority.certificate;
    await writeCertificates(path.join(this.directory, "tls"), await authority.issue(["shop"], hosts), ca);
    const agents = await authority.issue([agentName(this.name)], hosts);
    await writeCertificates(path.join(this.directory, "agent-tls"), agents, ca);
    this.certificates = await watchCertificates(path.join(this.directory, "agent-tls"), silentLog);
    for (const [account, keys] of Object.entries(ACCOUNTS))
      for (const [key, value] of Object.entries(keys)) {
        await mkdir(path.join(this.directory, "secrets", account), { recursive: true });
        await writeFile(path.join(this.directory, "secrets", account, key), value);
      }
    const config = { ...SMALL, ...this.install.config };
    const lines = Object.entries(config).map(([name, value]) => `${name}=${value}`);
    await mkdir(path.join(this.directory, "config"), { recursive: true });
    await writeFile(path.join(this.directory, "config", "my.cnf"), ["[mysqld]", ...lines, ""].join("\n"));
  }
}
