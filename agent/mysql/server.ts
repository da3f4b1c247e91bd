/**
 * mysqld as a process and as sessions, for the verbs: start and kill through the supervisor, one session a purpose.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Exit, SupervisorState } from "../supervisor/protocol";
import { renderConfig } from "./config";
import { DEFAULT_LIMITS, type Limits, type MysqlOptions, type Sets } from "./options";
import { Session, type Row } from "./session";
import { listed, waiting, type Listed } from "./sessions";
import { SupervisorClient } from "./supervisorClient";

const KILL_LIMIT_MS = 2_000;

export interface ServerListener {
  /** Not called for ends that are part of a verb (`internally`). */
  onExit(exit: Exit): void;
  onShutdown(): void;
}

export class Server {
  readonly limits: Limits;
  readonly supervisor: SupervisorClient;
  /** k of the last arming; -1 = not armed in this life of mysqld. */
  armedWith = -1;
  /** The barrier of this arming was begun: from then on others of the agent may write, too. */
  barrierBegun = false;
  /** How far behind its source this member is to apply: a delayed learner's. */
  delayMs = 0;
  private readonly sessions = new Map<string, Session>();
  private readonly exitWaiters = new Set<(exit: Exit) => void>();
  private readonly settling = new Set<Promise<void>>();
  private internal = 0;
  private pid: number | undefined;

  constructor(
    readonly options: MysqlOptions,
    private readonly listener: ServerListener,
  ) {
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.supervisor = new SupervisorClient(options.paths.supervisorSocket, {
      onExit: (exit) => this.onExit(exit),
      onShutdown: () => listener.onShutdown(),
      onLost: (error) => options.log("the supervisor is gone", { error: error.message }),
    });
  }

  get runningPid(): number | undefined {
    return this.pid;
  }

  /** What runs, from the parent itself. */
  async state(): Promise<SupervisorState> {
    const state = await this.supervisor.request({ do: "state" });
    this.pid = state.pid;
    return state;
  }

  /** Resolves when a mysqld that died can write no more. @throws Error when it does not go. */
  async gone(): Promise<void> {
    await this.supervisor.request({ do: "gone" });
  }

  session(purpose: string): Session {
    const found = this.sessions.get(purpose);
    if (found !== undefined) return found;
    const session = new Session({
      socketPath: this.options.paths.socket,
      account: async () => (await this.options.secrets()).system,
      kill: (id) => this.killConnection(id),
    });
    this.sessions.set(purpose, session);
    return session;
  }

  /**
   * Resolves when killed statements can take no effect any more. A late `START REPLICA` of an old term would break
   * I8, a late `read_only=OFF` I5: verbs begin only after this.
   */
  async settled(): Promise<void> {
    await Promise.all(this.settling);
  }

  private killConnection(id: number): void {
    const gone = this.killAndSee(id).catch(() => undefined);
    this.settling.add(gone);
    void gone.then(() => this.settling.delete(gone));
  }

  /** A commit that waits for its acknowledgement outlives its KILL, but has nothing left to do. */
  private async killAndSee(id: number): Promise<void> {
    const { pid } = this;
    const control = this.session("control");
    await control.query(`KILL CONNECTION ${id}`, KILL_LIMIT_MS);
    for (;;) {
      const list = await this.processlist("control", KILL_LIMIT_MS);
      const found = list.find((session) => session.id === id);
      if (found === undefined || waiting([found]) > 0 || this.pid !== pid) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  get configFile(): string {
    return join(this.options.paths.run, "my.cnf");
  }

  async writeConfig(): Promise<void> {
    const { paths } = this.options;
    const user = await readFile(paths.userConfig, "utf8").catch(() => "");
    await mkdir(paths.run, { recursive: true });
    await writeFile(this.configFile, renderConfig(user, this.options), { mode: 0o600 });
  }

  /** @throws Error when one runs already or the program cannot be started. */
  async launch(kind: "serve" | "initialise", args: readonly string[]): Promise<void> {
    const [command = "", ...leading] = this.options.command;
    const { socket } = this.options.paths;
    this.armedWith = -1;
    const remove = [socket, `${socket}.lock`];
    const state = await this.supervisor.request({
      do: "start",
      kind,
      command,
      args: [...leading, ...args],
      env: {},
      remove,
    });
    this.pid = state.pid;
  }

  /** Runs `work`; ends of mysqld within it are its own business. */
  async internally<T>(work: () => Promise<T>): Promise<T> {
    this.internal += 1;
    try {
      return await work();
    } finally {
      this.internal -= 1;
    }
  }

  /** The next end of mysqld. Ask before causing it. */
  nextExit(): { readonly exit: Promise<Exit>; forget(): void } {
    let waiter: (exit: Exit) => void = () => undefined;
    const exit = new Promise<Exit>((resolve) => (waiter = resolve));
    this.exitWaiters.add(waiter);
    return { exit, forget: () => void this.exitWaiters.delete(waiter) };
  }

  /** SIGKILL; resolves when mysqld is dead. Nothing running is fine. */
  async kill(): Promise<void> {
    const next = this.nextExit();
    const asked = await this.supervisor.request({ do: "signal", signal: "SIGKILL" }).catch(() => undefined);
    if (asked === undefined) next.forget();
    else await next.exit;
  }

  /** @throws the server's error; TimedOut after `limitMs`. */
  async processlist(purpose: string, limitMs?: number): Promise<Listed[]> {
    const rows = await this.session(purpose).query("SHOW PROCESSLIST", limitMs);
    return rows.map(listed);
  }

  /** Retrieved first, then executed: what moves from one to the other in between is in both. */
  async sets(session: Session, limitMs?: number): Promise<Sets> {
    const status = await replicaStatus(session, limitMs);
    const { executed } = await session.row("SELECT @@global.gtid_executed executed", limitMs);
    return { retrieved: clean(status?.["Retrieved_Gtid_Set"]), executed: clean(executed) };
  }

  /** Ends the agent's own sessions: a mysqld that stops waits 10 s for sessions that are open (measured, 9.7.4). */
  hangUp(): void {
    for (const session of this.sessions.values()) session.drop(new Error("closed"));
  }

  close(): void {
    this.hangUp();
    this.supervisor.close();
  }

  private onExit(exit: Exit): void {
    this.pid = undefined;
    this.armedWith = -1;
    for (const session of this.sessions.values()) session.drop(new Error("mysqld ended"));
    const waiters = [...this.exitWaiters];
    this.exitWaiters.clear();
    for (const waiter of waiters) waiter(exit);
    if (this.internal === 0) this.listener.onExit(exit);
  }
}

/** The default channel's status; undefined when it was never configured. */
export async function replicaStatus(session: Session, limitMs?: number): Promise<Row | undefined> {
  return (await session.query("SHOW REPLICA STATUS", limitMs))[0];
}

/** A set as the server prints it, without its line breaks. */
export function clean(set: unknown): string {
  return typeof set === "string" ? set.replace(/\s/g, "") : "";
}

/** The receiver ended because the source no longer has the binary logs it needs: only a CLONE helps. */
export function isPurged(status: Row | undefined): boolean {
  return (
    status?.["Replica_IO_Running"] === "No" &&
    /purged required binary logs/i.test(String(status["Last_IO_Error"]))
  );
}
