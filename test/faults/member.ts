/** One pod without Kubernetes: its namespace, its disk, PID 1 and what that started; the harness is its kubelet. */
import { spawn, type ChildProcess } from "node:child_process";
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statfsSync,
  truncateSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import * as http from "node:http";
import { join } from "node:path";
import { createConnection, type Connection } from "mysql2/promise";
import { AGENT_PORT, HEALTH_PORT, MYSQL_PORT, type MemberStatus } from "../../api/agent";
import { ACCOUNTS } from "../process/cluster";
import { command, waitFor } from "./command";
import type { Cable } from "./network";
import { Shim } from "./shim";

export type ProcessKind = "mysqld" | "agent" | "supervisor";
export type Row = Record<string, unknown>;

export type Disk = "memory" | "loop";

export interface MemberOptions {
  readonly name: string;
  readonly witness: boolean;
  readonly cable: Cable;
  /** Of this member: data (a file system of its own), run, log. */
  readonly directory: string;
  readonly shimLibrary: string;
  readonly dataMegabytes: number;
  /** What the data volume is made of: memory, or a file of this machine's disk. */
  readonly disk: Disk;
  /** Node.js of the image, and the bundle of PID 1. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Called when PID 1 ended though nobody asked for it. */
  readonly onUnexpectedEnd: (how: string) => void;
}

const FILLER = ".fill";
const ENDING: Readonly<Record<ProcessKind, string>> = {
  mysqld: "/usr/sbin/mysqld",
  agent: "/agent.js",
  supervisor: "/supervisor.js",
};

export class Member {
  readonly name: string;
  readonly witness: boolean;
  readonly cable: Cable;
  readonly data: string;
  readonly run: string;
  readonly log: string;
  readonly shim: Shim;
  private wrapper: ChildProcess | undefined;
  private frozen: number[] = [];
  private ending = false;

  private constructor(private readonly options: MemberOptions) {
    this.name = options.name;
    this.witness = options.witness;
    this.cable = options.cable;
    this.data = join(options.directory, "data");
    this.run = join(options.directory, "run");
    this.log = join(options.directory, "log");
    for (const directory of [this.data, this.run]) mkdirSync(directory, { recursive: true });
    this.shim = new Shim(options.shimLibrary, join(options.directory, "shim"));
  }

  /** Makes the disk: a full one is full, and says ENOSPC itself. */
  static async create(options: MemberOptions): Promise<Member> {
    const member = new Member(options);
    const size = `${options.dataMegabytes}M`;
    if (options.disk === "memory")
      await command("mount", ["-t", "tmpfs", "-o", `size=${size}`, "none", member.data]);
    else {
      const image = join(options.directory, "disk.img");
      await command("truncate", ["-s", size, image]);
      await command("mkfs.ext4", ["-q", "-F", image]);
      await command("mount", ["-o", "loop", image, member.data]);
      await rm(join(member.data, "lost+found"), { recursive: true });
    }
    return member;
  }

  get host(): string {
    return this.cable.ip;
  }

  /** Starts PID 1, in namespaces of its own as in a container: who kills it kills all. */
  start(): void {
    const { options } = this;
    const out = openSync(this.log, "a");
    const net = [`--net=/run/netns/${this.cable.netns}`];
    const world = ["unshare", "--pid", "--fork", "--kill-child=SIGKILL", "--mount", "--mount-proc"];
    const child = spawn("nsenter", [...net, ...world, ...options.command], {
      env: { PATH: process.env["PATH"], ...options.env, ...this.shim.env },
      stdio: ["ignore", out, out],
    });
    closeSync(out);
    this.wrapper = child;
    this.ending = false;
    child.once("exit", (code, signal) => {
      if (this.wrapper !== child) return;
      this.wrapper = undefined;
      this.frozen = [];
      if (!this.ending) options.onUnexpectedEnd(signal ?? `code ${code}`);
    });
  }

  get runs(): boolean {
    return this.wrapper !== undefined;
  }

  /** PIDs as this harness sees them, PID 1 first; empty when the pod does not run. */
  pids(): number[] {
    const wrapper = this.wrapper?.pid;
    return wrapper === undefined ? [] : childrenOf(wrapper).flatMap((pid) => [pid, ...descendants(pid)]);
  }

  /** The process of that kind; undefined when there is none. */
  pid(kind: ProcessKind): number | undefined {
    return this.pids().find((pid) => wordsOf(pid).some((word) => word.endsWith(ENDING[kind])));
  }

  /** Sends the signal; false when there is no such process. The harness starts again a pod whose PID 1 is meant. */
  signal(kind: ProcessKind, signal: NodeJS.Signals): boolean {
    const pid = this.pid(kind);
    if (kind === "supervisor" && (signal === "SIGKILL" || signal === "SIGTERM")) this.ending = true;
    return pid !== undefined && send(pid, signal);
  }

  /** Stops every process of the pod. */
  freeze(): void {
    this.frozen = this.pids();
    for (const pid of this.frozen) send(pid, "SIGSTOP");
  }

  thaw(): void {
    for (const pid of this.frozen) send(pid, "SIGCONT");
    this.frozen = [];
  }

  /** Kills the pod: PID 1, and the kernel all the rest. Resolves when it is gone. */
  async kill(): Promise<void> {
    if (!this.runs) return;
    this.signal("supervisor", "SIGKILL");
    await this.gone();
  }

  async gone(limitMs = 60_000): Promise<void> {
    await waitFor(`the end of ${this.name}`, () => !this.runs, { limitMs, everyMs: 10 });
  }

  /** The agent's own account of itself. @throws when it does not answer in time. */
  async status(timeoutMs = 700): Promise<MemberStatus> {
    const { status, body } = await get(this.host, "/status", timeoutMs);
    if (status !== 200) throw new Error(`${this.name} answered ${status}`);
    return JSON.parse(body) as MemberStatus;
  }

  /** Whether a proxy would send the primary's clients here. */
  async servesPrimary(timeoutMs = 500): Promise<boolean> {
    return (await get(this.host, "/primary", timeoutMs)).status === 200;
  }

  /** As the agent's own account, over the socket: works whatever the state of the server. */
  async sql(statement: string, timeoutMs = 60_000): Promise<Row[]> {
    const { username: user, password } = ACCOUNTS.system;
    const socketPath = join(this.run, "mysqld.sock");
    const connection = await createConnection({ socketPath, user, password, connectTimeout: 2_000 });
    connection.on("error", () => undefined);
    try {
      const [rows] = await connection.query({ sql: statement, timeout: timeoutMs });
      return Array.isArray(rows) ? (rows as Row[]) : [];
    } finally {
      connection.destroy();
    }
  }

  /** As the application, over TCP and TLS. */
  async connect(connectTimeout = 500, tls = true): Promise<Connection> {
    const { username: user, password, database } = ACCOUNTS.app;
    const where = { host: this.host, port: MYSQL_PORT, connectTimeout };
    const ssl = tls ? { ssl: { rejectUnauthorized: false } } : {};
    const connection = await createConnection({ ...where, ...ssl, user, password, database });
    connection.on("error", () => undefined);
    return connection;
  }

  /** Shrinks the data volume (memory; a disk is filled) to what is used and `leaveBytes`: the next that does not fit gets ENOSPC. */
  async fillDisk(leaveBytes: number): Promise<void> {
    if (this.options.disk === "loop") return this.allocate(leaveBytes);
    for (let tries = 1; ; tries++) {
      const { blocks, bfree, bsize } = statfsSync(this.data);
      const used = (Number(blocks) - Number(bfree)) * Number(bsize);
      try {
        return await this.resize(`${Math.ceil((used + leaveBytes * tries) / 1024)}k`);
      } catch (cause) {
        if (tries === 5) throw cause; // Else more was written meanwhile.
      }
    }
  }

  async emptyDisk(): Promise<void> {
    if (this.options.disk === "loop") await rm(join(this.data, FILLER), { force: true });
    else await this.resize(`${this.options.dataMegabytes}M`);
  }

  private async allocate(leaveBytes: number): Promise<void> {
    const { bavail, bsize } = statfsSync(this.data);
    const bytes = Number(bavail) * Number(bsize) - leaveBytes;
    if (bytes > 0) await command("fallocate", ["-l", String(bytes), join(this.data, FILLER)]);
  }

  private async resize(size: string): Promise<void> {
    await command("mount", ["-o", `remount,size=${size}`, this.data]);
  }

  /** The volume is a new one. */
  async wipe(): Promise<void> {
    for (const name of readdirSync(this.data))
      await rm(join(this.data, name), { recursive: true, force: true });
  }

  /** Forgets the log of the last incident but one, so that it does not grow for ever. */
  rotateLog(): void {
    if (!existsSync(this.log)) return;
    copyFileSync(this.log, `${this.log}.before`);
    truncateSync(this.log);
  }

  /** At the end of a run. */
  async end(): Promise<void> {
    this.thaw();
    await this.kill();
    await command("umount", ["-l", this.data]);
    this.shim.close();
  }
}

/** The environment that names the ports as in a pod: each member has all of them for itself. */
export const PORTS = { agent: AGENT_PORT, health: HEALTH_PORT, mysql: MYSQL_PORT };

function get(host: string, path: string, timeout: number): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host, port: HEALTH_PORT, path, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, body });
      });
      response.on("error", reject);
    });
    const timer = setTimeout(() => request.destroy(new Error(`${host} is silent`)), timeout);
    request.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "utf8")
        .split(" ")
        .filter((text) => text !== "")
        .map(Number),
    );
  } catch {
    return []; // It ended meanwhile.
  }
}

const descendants = (pid: number): number[] =>
  childrenOf(pid).flatMap((child) => [child, ...descendants(child)]);

function wordsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
