/** The agent child: always one, restarted with back-off when it ends, without touching mysqld. */
import { spawn, type ChildProcess } from "node:child_process";
import { renameSync, rmSync } from "node:fs";
import { FIRST, onAgentExit, type BackOff } from "./backoff";
import {
  bundleToRun,
  CONNECT_LIMIT_MS,
  onEnd,
  onlyProven,
  onProven,
  onTrial,
  PROVEN_MS,
  type Bundles,
} from "./bundles";
import type { AgentCommand } from "./options";
import { passOn } from "./output";
import { nextBundle } from "./protocol";

export class AgentProcess {
  private child: ChildProcess | undefined;
  private backOff: BackOff = FIRST;
  private timer: NodeJS.Timeout | undefined;
  /** Of a bundle on trial: first for its connection, then for its proof. */
  private trialTimer: NodeJS.Timeout | undefined;
  private ending = false;
  private bundles: Bundles | undefined;

  constructor(
    private readonly command: AgentCommand,
    private readonly env: Readonly<Record<string, string>>,
    private readonly onEnd: () => void,
    private readonly log: (text: string) => void,
  ) {
    if (command.bundle === undefined) return;
    this.bundles = onlyProven(command.bundle);
    rmSync(nextBundle(command.bundle), { force: true }); // Of a supervisor that ended during a trial.
  }

  get runs(): boolean {
    return this.child !== undefined;
  }

  /** Why the last bundle that was sent is not in use. */
  get refused(): string | undefined {
    return this.bundles?.refused;
  }

  start(): void {
    this.timer = undefined;
    const [program = "", ...args] = this.command.words;
    const bundle = this.bundles === undefined ? [] : [bundleToRun(this.bundles)];
    const startedAt = performance.now();
    const child = spawn(program, [...args, ...bundle], {
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
      this.tried(how);
      this.onEnd();
      if (!this.ending) this.restart(performance.now() - startedAt);
    };
    child.once("error", (error) => ended(error.message));
    child.once("exit", (code, signal) => ended(signal ?? `code ${code}`));
    this.log(`agent started, pid ${child.pid ?? "?"}`);
    if (this.bundles?.trial !== undefined) this.watchTrial(CONNECT_LIMIT_MS, () => child.kill("SIGKILL"));
  }

  /** The next start is of this bundle. @throws Error when the agent does not run from one. */
  tryBundle(path: string): void {
    if (this.bundles === undefined) throw new Error("this agent does not run from a bundle");
    this.bundles = onTrial(this.bundles, path);
    this.backOff = FIRST;
    this.log(`agent: ${path} is on trial from its next start`);
  }

  /** An agent has connected. */
  connected(): void {
    if (this.bundles?.trial !== undefined && this.trialTimer !== undefined)
      this.watchTrial(PROVEN_MS, () => this.prove());
  }

  private watchTrial(ms: number, then: () => void): void {
    clearTimeout(this.trialTimer);
    this.trialTimer = setTimeout(then, ms);
  }

  private prove(): void {
    this.trialTimer = undefined;
    const { bundles } = this;
    if (bundles?.trial === undefined) return;
    try {
      renameSync(bundles.trial, bundles.proven);
      this.bundles = onProven(bundles);
      this.log(`agent: ${bundles.trial} holds and is now ${bundles.proven}`);
    } catch (error) {
      this.log(`agent: ${bundles.trial} holds but does not take its place: ${String(error)}`);
    }
  }

  private tried(how: string): void {
    clearTimeout(this.trialTimer);
    this.trialTimer = undefined;
    const before = this.bundles;
    if (before === undefined) return;
    this.bundles = onEnd(before, how);
    if (before.trial === undefined || this.bundles.trial !== undefined) return;
    this.backOff = FIRST;
    rmSync(before.trial, { force: true });
    this.log(`agent: back to ${before.proven}: ${this.bundles.refused}`);
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
