/** The agent child: always one, restarted with back-off when it ends, without touching mysqld. */
import { spawn, type ChildProcess } from "node:child_process";
import { FIRST, onAgentExit, type BackOff } from "./backoff";
import { passOn } from "./output";

export class AgentProcess {
  private child: ChildProcess | undefined;
  private backOff: BackOff = FIRST;
  private timer: NodeJS.Timeout | undefined;
  private ending = false;

  constructor(
    private readonly command: readonly string[],
    private readonly env: Readonly<Record<string, string>>,
    private readonly onEnd: () => void,
    private readonly log: (text: string) => void,
  ) {}

  get runs(): boolean {
    return this.child !== undefined;
  }

  start(): void {
    this.timer = undefined;
    const [program = "", ...args] = this.command;
    const startedAt = performance.now();
    const child = spawn(program, args, {
      env: { ...process.env, ...this.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child = child;
    passOn("agent", child.stdout, process.stdout);
    passOn("agent", child.stderr, process.stderr);
    const ended = (how: string): void => {
      if (this.child !== child) return;
      this.child = undefined;
      this.log(`agent ${child.pid ?? "?"} ended: ${how}`);
      this.onEnd();
      if (!this.ending) this.restart(performance.now() - startedAt);
    };
    child.once("error", (error) => ended(error.message));
    child.once("exit", (code, signal) => ended(signal ?? `code ${code}`));
    this.log(`agent started, pid ${child.pid ?? "?"}`);
  }

  private restart(livedMs: number): void {
    const { waitMs, next } = onAgentExit(this.backOff, livedMs);
    this.backOff = next;
    this.timer = setTimeout(() => this.start(), waitMs);
  }

  /** Ends the agent so that a new bundle is loaded; mysqld serves on. */
  renew(): void {
    this.child?.kill("SIGTERM");
  }

  /** From now on an end of the agent is final; one that waits for its restart is started to be told. */
  lastRun(): void {
    if (this.timer !== undefined) {
      clearTimeout(this.timer);
      this.start();
    }
    this.ending = true;
  }

  kill(): void {
    this.ending = true;
    this.child?.kill("SIGKILL");
  }
}
