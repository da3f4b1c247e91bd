/** The MysqlPort over a real mysqld: `createMysql` is what agent/main.ts calls. */
import { open, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Event, Term, Verb } from "../raft/types";
import { dataUnsafe } from "../store/record";
import { setDelay } from "./delay";
import { Monitor } from "./monitor";
import { Observer } from "./observer";
import type { MysqlOptions } from "./options";
import type { MysqldSnapshot, MysqlPort } from "./port";
import { provisionLater } from "./provision";
import { VerbRunner } from "./runner";
import { Server } from "./server";
import { messageOf } from "./session";
import { setGlobals } from "./sql";

const ONLINE_LIMIT_MS = 5_000;

export type { MysqlOptions, Secrets } from "./options";
export { readSecrets } from "./secrets";

/** The kernel's boot id: another one means that what was not flushed is lost. */
export async function readBootId(): Promise<string> {
  return (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
}

/** Options that MySQL takes without a restart. */
export interface OnlineConfig {
  /** Sets them now, if mysqld runs, and after each start. Never waited for; failures are logged. */
  applyOnlineConfig(config: Readonly<Record<string, string>>): void;
}

/** What a member is beside its role in the core. */
export interface Placement {
  /** A delayed learner applies so late; 0 = as soon as it can. Set now if it replicates, and whenever it follows. */
  setDelay(delayMs: number): void;
  /** The agent's next start is from this bundle. @throws Error with the supervisor's reason. */
  tryBundle(path: string): Promise<void>;
  /** Why the last bundle that was sent is not in use. */
  refusedBundle(): Promise<string | undefined>;
}

export type Mysql = MysqlPort & OnlineConfig & Placement;

/** Connects to the supervisor; the first event can come after `inspect` has answered. */
export function createMysql(options: MysqlOptions): Mysql {
  return new RealMysql(options);
}

class RealMysql implements Mysql {
  private readonly server: Server;
  private readonly monitor: Monitor;
  private readonly observer: Observer;
  private readonly runner: VerbRunner;
  private listener: ((event: Event) => void) | undefined;
  private online: Readonly<Record<string, string>> = {};
  private early: Event[] | undefined = [];

  constructor(private readonly options: MysqlOptions) {
    this.server = new Server(options, {
      onExit: (exit) => {
        options.log("mysqld ended", { ...exit });
        this.monitor.stop();
        this.observer.stop();
        this.emit({ type: "mysqldExited" });
      },
      onShutdown: () => this.emit({ type: "shutdown" }),
    });
    this.monitor = new Monitor(this.server, (event) => this.emit(event));
    this.observer = new Observer(this.server, (event) => this.emit(event));
    this.runner = new VerbRunner(this.server, this.monitor, (event) => this.onVerbEnd(event));
  }

  start(term: Term, verb: Verb): void {
    if (verb.verb !== "readReceived") this.observer.following = undefined;
    this.runner.start(term, verb);
  }
  supersede(term: Term): void {
    this.runner.supersede(term);
  }

  listen(listener: (event: Event) => void): void {
    this.listener = listener;
  }

  async inspect(): Promise<{ mysqld: "running" | "down"; writable: boolean; unsafeData: boolean }> {
    const state = await this.server.state();
    if (state.kind === "initialise") await this.server.kill(); // Of an agent that died; begun again.
    const running = state.kind === "serve";
    const unsafeData = dataUnsafe(this.options.host.host, this.options.bootId);
    const writable = running && (state.armed || (await this.mayWrite()));
    // One that is fenced where it runs, not started anew, is looked at all the same.
    if (running) this.observer.start();
    // `started` must be the first event the core sees.
    setImmediate(() => this.flush());
    return { mysqld: running ? "running" : "down", writable, unsafeData: unsafeData && !running };
  }

  beat(untilMs: number): void {
    this.server.supervisor.beat(Math.max(0, untilMs - performance.now()));
  }

  async watchdog(armed: boolean): Promise<void> {
    await this.server.supervisor.request({ do: "arm", armed });
  }

  async stop({ clean, limitMs }: { readonly clean: boolean; readonly limitMs: number }): Promise<void> {
    this.monitor.stop();
    this.observer.stop();
    if ((await this.server.state()).pid === undefined) return;
    // SIGTERM tells every waiting client OK (mysql-facts 2): only a closed server may have one.
    if (!clean || (await this.mayWrite())) return this.server.kill();
    const next = this.server.nextExit();
    const timer = setTimeout(() => void this.server.kill(), limitMs);
    this.server.hangUp();
    await this.server.supervisor.request({ do: "signal", signal: "SIGTERM" });
    const { code } = await next.exit.finally(() => clearTimeout(timer));
    if (code !== 0) return;
    await syncLogs(this.options.paths.datadir);
    const { host } = this.options;
    await host.saveHost({ ...host.host, running: false });
  }

  snapshot(): MysqldSnapshot {
    return { ...this.observer.snapshot, pid: this.server.runningPid, waiting: this.monitor.waiting };
  }

  applyOnlineConfig(config: Readonly<Record<string, string>>): void {
    this.online = config;
    if (this.server.runningPid !== undefined) void this.setOnline();
  }

  setDelay(delayMs: number): void {
    if (this.server.delayMs === delayMs) return;
    this.server.delayMs = delayMs;
    if (this.server.runningPid === undefined) return;
    this.runner.aside("delay not set", (session) => setDelay(session, delayMs));
  }

  async tryBundle(path: string): Promise<void> {
    await this.server.supervisor.request({ do: "bundle", path });
  }

  async refusedBundle(): Promise<string | undefined> {
    return (await this.server.state()).refusedBundle;
  }

  private async setOnline(): Promise<void> {
    for (const statement of setGlobals(this.online))
      await this.server
        .session("online")
        .query(statement, ONLINE_LIMIT_MS)
        .catch((error: unknown) =>
          this.options.log("option not set", { statement, error: messageOf(error) }),
        );
  }

  /** Unless it is shown to be closed, mysqld may be open. */
  private async mayWrite(): Promise<boolean> {
    const sql = "SELECT @@global.super_read_only ro, @@global.rpl_semi_sync_source_enabled semi";
    try {
      const row = await this.server.session("control").row(sql, this.server.limits.readOnlyMs);
      return Number(row["ro"]) !== 1 || Number(row["semi"]) !== 0;
    } catch (error) {
      this.options.log("cannot see whether mysqld is writable", { error: messageOf(error) });
      return true;
    }
  }

  private onVerbEnd(event: Event): void {
    if (event.type === "mysqldReady") {
      this.observer.start();
      void this.setOnline();
    }
    if (event.type === "followed") this.observer.following = event.term;
    this.emit(event);
    if (event.type === "opened") provisionLater(this.server);
  }

  private emit(event: Event): void {
    if (this.early !== undefined) this.early.push(event);
    else this.listener?.(event);
  }

  private flush(): void {
    const early = this.early ?? [];
    this.early = undefined;
    for (const event of early) this.emit(event);
  }
}

/** After a clean stop the logs are whole but, on a relaxed replica, maybe not on disk. */
async function syncLogs(datadir: string): Promise<void> {
  const logs = (await readdir(datadir)).filter((name) => /^(binlog|relay)\./.test(name));
  for (const name of logs) {
    const file = await open(join(datadir, name), "r");
    await file.sync().finally(() => file.close());
  }
}
