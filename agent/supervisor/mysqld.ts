/** The mysqld child: at most one, its end reported at once, killed by the watchdog when its lease ends. */
import { spawn, type ChildProcess } from "node:child_process";
import { rmSync } from "node:fs";
import { setPriority } from "node:os";
import { passOn } from "./output";
import { isDying } from "./dying";
import type { Exit, MysqldKind, StartRequest, SupervisorState } from "./protocol";
import { DISARMED, msLeft, onArm, onBeat, type Watchdog } from "./watchdog";

/**
 * mysqld yields to the agent when their container is short of CPU: a heartbeat that waits for a hundred server threads
 * costs the lease, and a failover for nothing. Between containers their shares decide, so mysqld loses nothing by it.
 */
const MYSQLD_NICE = 5;

/** How often an armed mysqld is looked at; a look costs some 20 microseconds. */
const LOOK_MS = 10;
/** How long a dead mysqld may take to give its memory back: 0.2 s a GB were seen. */
const LEAVE_LIMIT_MS = 60_000;

interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly kind: MysqldKind;
  wanted: boolean;
  watchdog: boolean;
}

export class Mysqld {
  private running: Running | undefined;
  private lastExit: Exit | undefined;
  private watchdog: Watchdog = DISARMED;
  private timer: NodeJS.Timeout | undefined;
  private dyingLooks: NodeJS.Timeout | undefined;
  /** Processes that can do nothing any more but are not reaped yet. */
  private readonly leaving = new Map<ChildProcess, Promise<void>>();

  constructor(
    private readonly graceMs: number,
    private readonly onExit: (exit: Exit) => void,
    /** One that was reported dead is reaped now. */
    private readonly onLeft: () => void,
    private readonly log: (text: string) => void,
  ) {}

  get state(): Omit<SupervisorState, "shuttingDown" | "rssBytes"> {
    return {
      pid: this.running?.pid,
      kind: this.running?.kind,
      armed: this.watchdog.armed,
      lastExit: this.lastExit,
    };
  }

  /** Whether a process of mysqld is there, be it dying. */
  get present(): boolean {
    return this.running !== undefined || this.leaving.size > 0;
  }

  /** Resolves when what was reported dead is reaped: until then it holds locks on its files. @throws Error after 60 s. */
  async gone(): Promise<void> {
    if (this.leaving.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const why = `the mysqld that died is not gone after ${LEAVE_LIMIT_MS / 1000} s: its disk may hang`;
      timer = setTimeout(() => reject(new Error(why)), LEAVE_LIMIT_MS);
    });
    await Promise.race([Promise.all(this.leaving.values()), late]).finally(() => clearTimeout(timer));
  }

  /** @throws Error when one runs already or the program cannot be started. */
  async start(request: StartRequest): Promise<void> {
    await this.gone();
    if (this.running !== undefined) throw new Error(`mysqld runs already (pid ${this.running.pid})`);
    for (const file of request.remove) rmSync(file, { force: true });
    const child = spawn(request.command, request.args, {
      // With this variable CLONE and RESTART end mysqld with code 16 instead of failing (mysql-facts H).
      env: { ...process.env, ...request.env, MYSQLD_PARENT_PID: String(process.pid) },
      stdio: ["ignore", "pipe", "pipe"],
    });
    if (child.pid !== undefined) setPriority(child.pid, MYSQLD_NICE);
    passOn("mysqld", child.stdout, process.stdout);
    passOn("mysqld", child.stderr, process.stderr);
    // Registered before the first await: the end of a process that lives a moment must not be missed.
    child.once("exit", (code, signal) => this.ended(child, code, signal));
    await new Promise<void>((resolve, reject) => {
      child.once("error", reject);
      child.once("spawn", () => {
        this.running = { child, pid: child.pid ?? 0, kind: request.kind, wanted: false, watchdog: false };
        resolve();
      });
    });
    this.log(`mysqld started, pid ${child.pid} (${request.kind})`);
  }

  /** False when nothing runs. */
  signal(signal: NodeJS.Signals): boolean {
    if (this.running === undefined) return false;
    this.running.wanted = true;
    this.running.child.kill(signal);
    return true;
  }

  beat(forMs: number): void {
    this.watchdog = onBeat(this.watchdog, performance.now(), forMs);
    this.schedule();
  }

  arm(armed: boolean): void {
    this.watchdog = armed ? onArm(this.watchdog, performance.now(), this.graceMs) : DISARMED;
    this.schedule();
    clearInterval(this.dyingLooks);
    this.dyingLooks = armed ? setInterval(() => this.lookForDeath(), LOOK_MS) : undefined;
  }

  /**
   * A killed mysqld of 5 GB is reaped, and its sockets close, after a second: the kernel frees its memory first. The
   * failover need not wait for that. Killed once more, so that what is reported dead can be nothing else.
   */
  private lookForDeath(): void {
    const { running } = this;
    if (running === undefined || !isDying(running.pid)) return;
    const { child } = running;
    child.kill("SIGKILL");
    this.leaving.set(
      child,
      new Promise((resolve) => {
        child.once("exit", () => {
          this.leaving.delete(child);
          resolve();
          this.onLeft();
        });
      }),
    );
    this.ended(child, null, "dying");
  }

  /** One timer, set anew only when it fires: a beat costs no timer. */
  private schedule(): void {
    const left = msLeft(this.watchdog, performance.now());
    if (left === undefined) {
      clearTimeout(this.timer);
      this.timer = undefined;
    } else if (this.timer === undefined) {
      this.timer = setTimeout(() => this.look(), left);
    }
  }

  private look(): void {
    this.timer = undefined;
    if (msLeft(this.watchdog, performance.now()) !== 0) return this.schedule();
    this.watchdog = DISARMED;
    if (this.running === undefined) return;
    this.running.watchdog = true;
    this.log(`watchdog: no beat within the lease, killing mysqld ${this.running.pid} (I7)`);
    this.running.child.kill("SIGKILL");
  }

  private ended(child: ChildProcess, code: number | null, signal: string | null): void {
    const { running } = this;
    if (running?.child !== child) return;
    this.running = undefined;
    this.arm(false);
    const { pid, kind, wanted, watchdog } = running;
    this.lastExit = { pid, kind, code, signal, wanted, watchdog };
    this.log(`mysqld ${pid} ended: ${signal ?? `code ${code}`}${wanted ? " (wanted)" : ""}`);
    this.onExit(this.lastExit);
  }
}
