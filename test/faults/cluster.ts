/** A cluster of such pods; the harness is its controller: it tells the intent and changes nothing by itself. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Intent, MemberStatus, PublishedEndpoint } from "../../api/agent";
import { POD_ENV } from "../../api/paths";
import { LOCAL_ENV } from "../../agent/env";
import { silentLog } from "../../agent/log";
import { agentName, watchCertificates, type CertificateSource } from "../../agent/peers";
import { createPeerClient } from "../../agent/peers/client";
import { readSliceFile } from "../../agent/publish";
import { ACCOUNTS } from "../process/cluster";
import { installation, type Installation } from "../process/rootfs";
import { testAuthority, writeCertificates } from "../samples/certificates";
import { waitFor } from "./command";
import { Member, PORTS, type Disk } from "./member";
import { cableOf, connect, disconnect } from "./network";

/** What every cluster of a run shares. */
export interface Ground {
  /** The run's. */
  readonly directory: string;
  readonly shimLibrary: string;
  /** Node.js of the image. */
  readonly node: string;
  /** agent.js and supervisor.js, built once a run: a checkout that changes meanwhile changes nothing. */
  readonly bundles: string;
  readonly dataMegabytes: number;
  readonly disk: Disk;
  /** 1,000 is the product's default; a machine with much else to do needs more. */
  readonly electionTimeoutMs: number;
}

export interface Shape {
  /** Voters with data. */
  readonly members: number;
  /** One more voter without. */
  readonly witness: boolean;
}

/** As a user would write it; small, so that five fit. */
const USER_CONFIG = {
  user: "root",
  innodb_redo_log_capacity: "16M",
  innodb_buffer_pool_size: "32M",
  max_connections: "1300",
  back_log: "1300",
  table_open_cache: "128",
  auto_generate_certs: "OFF",
};

export class Cluster {
  readonly name = "shop";
  readonly members: Member[] = [];
  /** What nobody expected: a PID 1 that ended by itself. */
  readonly surprises: string[] = [];
  intent!: Intent;
  private certificates!: CertificateSource;
  private readonly installation: Installation = installation();

  private constructor(
    private readonly ground: Ground,
    readonly number: number,
    readonly shape: Shape,
    readonly directory: string,
  ) {}

  /** Makes all members; none runs yet. */
  static async create(ground: Ground, number: number, shape: Shape): Promise<Cluster> {
    const directory = join(ground.directory, `c${number}`);
    mkdirSync(directory);
    const cluster = new Cluster(ground, number, shape, directory);
    const count = shape.members + (shape.witness ? 1 : 0);
    const cables = Array.from({ length: count }, (_, ordinal) => cableOf(number, ordinal));
    await cluster.writeSecrets(cables.map(({ ip }) => ip));
    for (const ordinal of cables.keys()) cluster.members.push(await cluster.make(ordinal, count));
    cluster.intent = {
      epoch: 1_000,
      generation: 0,
      clusterId: `0b5f8f3c-9f5e-4d5e-8a53-0c8a3b7d${(0x1000 + number).toString(16)}`,
      members: cluster.members.map(({ name, witness }) => ({ name, role: witness ? "witness" : "voter" })),
      formerClusterIds: [],
      initialised: false,
      timing: { heartbeatMs: 150, electionTimeoutMs: ground.electionTimeoutMs },
      autoFailover: true,
      maxLagMs: 10_000,
      usePrimary: "fallback",
      onlineConfig: {},
    };
    return cluster;
  }

  /** Starts all members and waits until they serve. */
  async start(): Promise<void> {
    for (const member of this.members) member.start();
    await this.putIntent({});
    await this.whole();
    await this.putIntent({ initialised: true });
  }

  private async make(ordinal: number, count: number): Promise<Member> {
    const { ground, directory, shape, number } = this;
    const name = `${this.name}-${ordinal}`;
    const own = join(directory, name);
    mkdirSync(own);
    const cable = cableOf(number, ordinal);
    await connect(cable);
    const witness = shape.witness && ordinal === count - 1;
    const env = this.environment(ordinal, own, count);
    return Member.create({
      name,
      witness,
      cable,
      directory: own,
      shimLibrary: ground.shimLibrary,
      dataMegabytes: ground.dataMegabytes,
      disk: ground.disk,
      command: [ground.node, join(ground.bundles, "supervisor.js")],
      env: witness ? { ...env, PORPOISE_ROLE: "witness" } : env,
      onUnexpectedEnd: (how) => {
        this.surprises.push(`PID 1 of ${name} ended by itself: ${how}`);
        this.members[ordinal]?.start();
      },
    });
  }

  member(name: string): Member {
    const found = this.members.find((each) => each.name === name);
    if (!found) throw new Error(`no member ${name}`);
    return found;
  }

  /** Those with a mysqld. */
  get data(): Member[] {
    return this.members.filter(({ witness }) => !witness);
  }

  /** Tells every agent, as the controller does. @throws when one does not take it within 30 s. */
  async putIntent(change: Partial<Intent>): Promise<void> {
    this.intent = { ...this.intent, ...change, generation: this.intent.generation + 1 };
    for (const member of this.members)
      await waitFor(`${member.name} takes the intent`, () => this.tell(member), { limitMs: 30_000 });
  }

  /** False when the agent does not take it. */
  private async tell({ host }: Member): Promise<boolean> {
    const names = [agentName(this.name)];
    const client = createPeerClient({ port: PORTS.agent, certificates: this.certificates, names });
    const body = JSON.stringify(this.intent);
    try {
      const request = { method: "PUT", path: "/v1/intent", body, timeoutMs: 2_000 } as const;
      return (await client.request(host, request)).status === 200;
    } catch {
      return false;
    } finally {
      client.close();
    }
  }

  /** Asks the leader to hand over. Returns its answer's status code; 0 = no answer. */
  async transfer(from: Member, to?: string): Promise<number> {
    const names = [agentName(this.name)];
    const client = createPeerClient({ port: PORTS.agent, certificates: this.certificates, names });
    const body = JSON.stringify({ to, reason: "a test asks" });
    try {
      const request = { method: "POST", path: "/v1/transfer", body, timeoutMs: 2_000 } as const;
      return (await client.request(from.host, request)).status;
    } catch {
      return 0;
    } finally {
      client.close();
    }
  }

  /** Of every member that answers, in the members' order. */
  async statuses(): Promise<(MemberStatus | undefined)[]> {
    return Promise.all(this.members.map((member) => member.status().catch(() => undefined)));
  }

  /** The one that serves as primary now; undefined when none does. */
  async primary(): Promise<Member | undefined> {
    const found = (await this.statuses())
      .filter((status) => status?.role === "primary" && status.ready)
      .sort((a, b) => (b?.term ?? 0) - (a?.term ?? 0))[0];
    return found && this.member(found.name);
  }

  /** Waits until every member serves and all agree. @throws Error with what each says of itself. */
  async whole(limitMs = 90_000): Promise<{ primary: Member; term: number }> {
    let seen: (MemberStatus | undefined)[] = [];
    const missing = (): string =>
      this.members.map(({ name }, at) => `${name}: ${describe(seen[at])}`).join("; ");
    const holds = async (): Promise<boolean> => {
      seen = await this.statuses();
      await this.tellNewcomers(seen);
      const primaries = seen.filter((status) => status?.role === "primary");
      const term = primaries[0]?.term ?? -1;
      const voters = primaries[0]?.configuration?.voters.length;
      const agree = seen.every((status) => status?.ready === true && status.term === term);
      return (
        primaries.length === 1 &&
        agree &&
        voters === this.members.length &&
        (await this.published(primaries[0])) &&
        (await this.answers())
      );
    };
    await waitFor(() => `the cluster whole: ${missing()}`, holds, { limitMs, everyMs: 50 });
    const primary = seen.find((status) => status?.role === "primary");
    return { primary: this.member(primary?.name ?? ""), term: primary?.term ?? 0 };
  }

  /**
   * Does `work` on the primary of the whole cluster; again when the primary is lost meanwhile, which no fault of ours
   * explains but a busy machine may. Three times at most. @throws the error of the last.
   */
  async onPrimary<T>(work: (primary: Member) => Promise<T>, limitMs = 90_000): Promise<T> {
    for (let tries = 1; ; tries++) {
      const { primary } = await this.whole(limitMs);
      try {
        return await work(primary);
      } catch (cause) {
        if (tries === 3) throw cause;
      }
    }
  }

  /** A member whose volume is new knows nothing: the controller tells it. */
  private async tellNewcomers(seen: readonly (MemberStatus | undefined)[]): Promise<void> {
    const { generation } = this.intent;
    const behind = this.members.filter((_, at) => (seen[at]?.generation ?? generation) < generation);
    await Promise.all(behind.map((member) => this.tell(member)));
  }

  /** An agent's word is not enough: every mysqld must answer. */
  private async answers(): Promise<boolean> {
    const asked = this.data.map((member) => member.sql("SELECT 1", 1_000));
    return Promise.all(asked).then(
      () => true,
      () => false,
    );
  }

  private async published(primary: MemberStatus | undefined): Promise<boolean> {
    return (await this.endpoint())?.instance === primary?.name;
  }

  /** What clients of `<c>-primary` would reach. */
  async endpoint(): Promise<PublishedEndpoint | undefined> {
    const slice = await readSliceFile(this.board, "primary").catch(() => undefined);
    return slice?.endpoints[0];
  }

  get board(): string {
    return join(this.directory, "board");
  }

  /** Told events, newest last. */
  events(): string[] {
    try {
      return readFileSync(join(this.board, "events.jsonl"), "utf8").trimEnd().split("\n");
    } catch {
      return [];
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.members.map((member) => member.end()));
    for (const { cable } of this.members) await disconnect(cable);
    this.certificates.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  private async writeSecrets(hosts: readonly string[]): Promise<void> {
    const at = (...parts: string[]): string => join(this.directory, ...parts);
    const authority = await testAuthority("shop CA");
    await writeCertificates(at("tls"), await authority.issue(["shop"], hosts), authority.certificate);
    const agents = await authority.issue([agentName(this.name)], hosts);
    await writeCertificates(at("agent-tls"), agents, authority.certificate);
    this.certificates = await watchCertificates(at("agent-tls"), silentLog);
    for (const [account, keys] of Object.entries(ACCOUNTS)) {
      mkdirSync(at("secrets", account), { recursive: true });
      for (const [key, value] of Object.entries(keys)) writeFileSync(at("secrets", account, key), value);
    }
    const lines = Object.entries({ ...USER_CONFIG, ...this.installation.config });
    mkdirSync(at("config"));
    writeFileSync(
      at("config", "my.cnf"),
      ["[mysqld]", ...lines.map((each) => each.join("=")), ""].join("\n"),
    );
  }

  private environment(ordinal: number, own: string, count: number): Record<string, string> {
    const at = (...parts: string[]): string => join(this.directory, ...parts);
    const ordinals = Array.from({ length: count }, (_, each) => each);
    const hosts = ordinals.map((each) => [`${this.name}-${each}`, cableOf(this.number, each).ip]);
    return {
      [POD_ENV.cluster]: this.name,
      [POD_ENV.namespace]: "test",
      [POD_ENV.instance]: `${this.name}-${ordinal}`,
      [POD_ENV.podIp]: cableOf(this.number, ordinal).ip,
      [POD_ENV.serverId]: String(101 + ordinal),
      [LOCAL_ENV.data]: join(own, "data"),
      [LOCAL_ENV.run]: join(own, "run"),
      [LOCAL_ENV.supervisorSocket]: join(own, "run/supervisor.sock"),
      [LOCAL_ENV.config]: at("config"),
      [LOCAL_ENV.tls]: at("tls"),
      [LOCAL_ENV.agentTls]: at("agent-tls"),
      [LOCAL_ENV.secrets]: at("secrets"),
      [LOCAL_ENV.hosts]: JSON.stringify(Object.fromEntries(hosts)),
      [LOCAL_ENV.publishDir]: this.board,
      [LOCAL_ENV.mysqld]: JSON.stringify([this.installation.command]),
    };
  }
}

function describe(status: MemberStatus | undefined): string {
  if (!status) return "does not answer";
  const { role, term, ready, phase, configuration } = status;
  return `${role} of term ${term}, ${ready ? "ready" : "not ready"}, ${configuration?.voters.length ?? 0} voters: ${phase}`;
}
