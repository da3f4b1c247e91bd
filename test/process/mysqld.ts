/**
 * Members for tests: a real supervisor as a process, a real mysqld under it, and the port that the agent would use,
 * here in the test. A test drives the verbs as the core would.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createConnection, type Connection } from "mysql2/promise";
import { createMysql, type Mysql } from "../../agent/mysql";
import type { Limits, MysqlOptions } from "../../agent/mysql/options";
import type { Event, Term, Verb, VerbEvent } from "../../agent/raft/types";
import { openStore, type Store } from "../../agent/store/store";
import { makeCertificates } from "./certificates";
import { pause, query, SMALL, waitFor } from "./common";
import { installation } from "./rootfs";
import { fromTemplate } from "./template";

export { pause, waitFor };

/** A start on a loaded machine. */
export const BOOT_MS = 120_000;
const REPOSITORY = join(__dirname, "..", "..");
export const CLUSTER = "c1c1c1c1-0000-4000-8000-000000000001";
export const SECRETS = {
  system: { username: "porpoise", password: "system'pw" },
  root: { username: "root", password: "root-pw" },
  app: { username: "app", password: "app-pw", database: "app" },
};

export interface MemberOptions {
  readonly limits?: Partial<Limits>;
  readonly graceMs?: number;
  /** The supervisor's agent; by default one that only sleeps, since the test is the agent. */
  readonly agent?: readonly string[];
  readonly userConfig?: string;
}

/** A directory of members, made away at the end. */
export class Lab {
  private readonly members = new Map<string, Member>();
  private readonly install = installation();
  private constructor(readonly directory: string) {}

  static async open(): Promise<Lab> {
    const lab = new Lab(await mkdtemp(join(tmpdir(), "porpoise-")));
    makeCertificates(
      join(lab.directory, "tls"),
      [11, 12, 13].map((last) => `127.0.9.${last}`),
    );
    return lab;
  }

  /** Member number 1, 2 or 3. Its mysqld does not run yet. */
  async member(number: number, options: MemberOptions = {}): Promise<Member> {
    const member = await Member.create(this, number, options);
    this.members.set(member.id, member);
    return member;
  }

  address(id: string): { host: string; port: number } {
    const member = this.members.get(id);
    // As a pod that was deleted: its name leads nowhere.
    if (member === undefined) return { host: `${id}.invalid`, port: 23306 };
    return { host: member.host, port: member.port };
  }

  optionsFor(member: Member, store: Store, options: MemberOptions): MysqlOptions {
    const { directory, id, host, port, number } = member;
    return {
      memberId: id,
      paths: {
        datadir: join(directory, "mysql"),
        run: directory,
        socket: join(directory, "s.sock"),
        supervisorSocket: join(directory, "sup.sock"),
        discarded: join(directory, "discarded"),
        userConfig: join(directory, "user.cnf"),
        serverTls: join(this.directory, "tls"),
        agentTls: join(this.directory, "tls"),
      },
      command: [this.install.command],
      serverId: 100 + number,
      port,
      bindAddress: host,
      reportHost: host,
      address: host,
      bootId: "this-boot",
      durability: "process",
      config: { ...SMALL, ...this.install.config },
      rootHosts: ["localhost"],
      resolve: (of) => this.address(of),
      secrets: () => Promise.resolve(SECRETS),
      host: store,
      limits: options.limits,
      log: (text, fields) => member.logged.push(`${text} ${JSON.stringify(fields ?? {})}`),
    };
  }

  async close(): Promise<void> {
    for (const member of this.members.values()) await member.end();
    await rm(this.directory, { recursive: true, force: true });
  }
}

type Ended = VerbEvent | Extract<Event, { type: "mysqldExited" }>;

export class Member {
  readonly id: string;
  readonly host: string;
  readonly port = 23306;
  readonly directory: string;
  readonly events: Event[] = [];
  readonly logged: string[] = [];
  mysql!: Mysql;
  store!: Store;
  supervisor!: ChildProcess;
  private options!: MysqlOptions;

  private constructor(
    lab: Lab,
    readonly number: number,
  ) {
    this.id = `m-${number}.00000000`;
    this.host = `127.0.9.${10 + number}`;
    this.directory = join(lab.directory, `m${number}`);
  }

  static async create(lab: Lab, number: number, options: MemberOptions): Promise<Member> {
    const member = new Member(lab, number);
    await mkdir(member.directory, { recursive: true });
    member.store = await openStore(join(member.directory, "agent"), `m-${number}`);
    await writeFile(join(member.directory, "user.cnf"), options.userConfig ?? "");
    member.options = lab.optionsFor(member, member.store, options);
    await member.superviseWith(options);
    await member.attach();
    return member;
  }

  /** On a fresh data directory from the cache. */
  async fromTemplate(): Promise<this> {
    await fromTemplate(this.options.paths.datadir, SECRETS, installation());
    return this;
  }

  /** Connects a new port, as an agent does that was restarted. */
  async attach(): Promise<void> {
    this.mysql = createMysql(this.options);
    this.mysql.listen((event) => void this.events.push(event));
    await this.mysql.inspect();
  }

  private async superviseWith({ graceMs = 2_000, agent = ["sleep", "3600"] }: MemberOptions): Promise<void> {
    const socket = this.options.paths.supervisorSocket;
    const env = {
      ...process.env,
      PORPOISE_SUPERVISOR_SOCKET: socket,
      PORPOISE_AGENT_COMMAND: JSON.stringify(agent),
      PORPOISE_WATCHDOG_GRACE_MS: String(graceMs),
      PORPOISE_SHUTDOWN_LIMIT_MS: "500",
    };
    const main = join(REPOSITORY, "agent/supervisor/main.ts");
    const child = spawn(process.execPath, ["--import", "tsx", main], {
      env,
      cwd: REPOSITORY,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr])
      stream
        .setEncoding("utf8")
        .on("data", (text: string) => this.logged.push(...text.trimEnd().split("\n")));
    this.supervisor = child;
    await waitFor("the supervisor", () => this.logged.some((line) => line.includes("agent started")));
  }

  /** Starts the verb and waits for its end. @throws Error with the log when it fails or takes too long. */
  async run(term: Term, verb: Verb, limitMs = 60_000): Promise<Ended> {
    const end = await this.tryRun(term, verb, limitMs);
    if (end.type === "failed")
      throw new Error(`${this.id} ${verb.verb}: ${end.reason}\n${this.logged.slice(-15).join("\n")}`);
    return end;
  }

  /** The same, where failing is an answer. */
  async tryRun(term: Term, verb: Verb, limitMs = 60_000): Promise<Ended> {
    const ends = ENDS[verb.verb];
    const is = (event: Event): event is Ended =>
      (event.type === "failed" && event.verb === verb.verb && event.term === term) ||
      ends.includes(event.type);
    const from = this.events.length;
    this.mysql.start(term, verb);
    return this.event(verb.verb, is, { from, limitMs });
  }

  /** The first event of that kind after `from` (default: from now on). */
  async event<T extends Event>(
    name: string,
    is: (event: Event) => event is T,
    { from = this.events.length, limitMs = 60_000 } = {},
  ): Promise<T> {
    const find = (): T | undefined => this.events.slice(from).find(is);
    try {
      await waitFor(`${this.id}: ${name}`, () => find() !== undefined, limitMs);
    } catch (error) {
      throw new Error(`${String(error)}\n${this.logged.slice(-15).join("\n")}`);
    }
    return find() as T;
  }

  exited(from = this.events.length): Promise<Event> {
    const is = (event: Event): event is Extract<Event, { type: "mysqldExited" }> =>
      event.type === "mysqldExited";
    return this.event("mysqldExited", is, { from });
  }

  async connect(account: { username: string; password: string }, viaSocket = false): Promise<Connection> {
    const where = viaSocket
      ? { socketPath: this.options.paths.socket }
      : { host: this.host, port: this.port, ssl: { rejectUnauthorized: false } };
    const connection = await createConnection({
      ...where,
      user: account.username,
      password: account.password,
    });
    connection.on("error", () => undefined);
    return connection;
  }

  /** One statement as the agent's own account. */
  sql(statement: string): Promise<Record<string, unknown>[]> {
    const { username: user, password } = SECRETS.system;
    return query({ socketPath: this.options.paths.socket, user, password }, statement);
  }

  async pid(): Promise<number> {
    const row = (await this.sql("SELECT @@pid_file file"))[0];
    return Number(await readFile(String(row?.["file"]), "utf8"));
  }

  async executed(): Promise<string> {
    return String((await this.sql("SELECT @@global.gtid_executed e"))[0]?.["e"]).replace(/\s/g, "");
  }

  async uuid(): Promise<string> {
    return String((await this.sql("SELECT @@global.server_uuid u"))[0]?.["u"]);
  }

  async end(): Promise<void> {
    if (this.supervisor.exitCode !== null || this.supervisor.signalCode !== null) return;
    await this.mysql.stop({ clean: false, limitMs: 1_000 }).catch(() => undefined);
    const gone = new Promise((resolve) => this.supervisor.once("exit", resolve));
    this.supervisor.kill("SIGTERM");
    const hard = setTimeout(() => this.supervisor.kill("SIGKILL"), 12_000);
    await gone;
    clearTimeout(hard);
  }
}

const ENDS: Record<Verb["verb"], readonly string[]> = {
  startMysqld: ["mysqldReady"],
  stopReceiver: ["receiverStopped"],
  readReceived: ["receivedRead"],
  fence: ["fenced"],
  drain: ["drained"],
  arm: ["armed"],
  barrier: ["barrierAcked"],
  open: ["opened"],
  quiesce: ["quiesced"],
  follow: ["followed", "diverged"],
  rewind: ["rewound"],
  clone: ["cloned"],
  mark: ["marked"],
  setAcks: ["acksSet"],
  exclude: ["excluded"],
  admit: ["admitted"],
};
