/**
 * PID 1 of the MySQL container: parent of mysqld and of the agent. It imports nothing of ours and no package.
 *
 * It decides one thing alone: a mysqld that may be writable dies when its agent has not beaten within the lease.
 * All else the agent tells it. Node reaps the children it started; orphans of others, which PID 1 inherits, stay
 * as zombies, but neither mysqld nor the agent leaves any.
 * SIGTERM, SIGINT: shutdown. SIGHUP: the agent is renewed (new bundle), mysqld serves on.
 */
import { AgentProcess } from "./agentProcess";
import { Link } from "./link";
import { Mysqld } from "./mysqld";
import { readOptions, type SupervisorOptions } from "./options";
import type { Request, SupervisorState, ToSupervisor } from "./protocol";

function log(text: string): void {
  process.stderr.write(`supervisor | ${text}\n`);
}

class Supervisor {
  private readonly mysqld: Mysqld;
  private readonly agent: AgentProcess;
  private readonly link: Link;
  private shutdownEnds: number | undefined;

  constructor(private readonly options: SupervisorOptions) {
    this.mysqld = new Mysqld(
      options.graceMs,
      (exit) => {
        this.link.send({ notice: "exit", exit });
        this.finish();
      },
      () => this.finish(),
      log,
    );
    this.link = new Link(
      options.socket,
      (message) => void this.onMessage(message),
      () => {
        this.agent.connected();
        this.tellShutdown();
      },
    );
    const { bundle } = options.agent;
    const env = {
      PORPOISE_SUPERVISOR_SOCKET: options.socket,
      ...(bundle !== undefined && { PORPOISE_AGENT_BUNDLE: bundle }),
    };
    this.agent = new AgentProcess(options.agent, env, () => this.onAgentEnd(), log);
    process.on("SIGTERM", () => this.shutdown());
    process.on("SIGINT", () => this.shutdown());
    process.on("SIGHUP", () => this.agent.renew());
    this.link.onListening(() => this.agent.start());
  }

  private async onMessage(message: ToSupervisor): Promise<void> {
    if (message.do === "beat") return this.mysqld.beat(message.forMs);
    const { id } = message;
    try {
      await this.carryOut(message);
      this.link.send({ id, ok: true, state: this.state() });
    } catch (error) {
      this.link.send({ id, ok: false, error: error instanceof Error ? error.message : String(error) });
    }
  }

  private async carryOut(request: Request): Promise<void> {
    switch (request.do) {
      case "start":
        return this.mysqld.start(request);
      case "signal":
        if (!this.mysqld.signal(request.signal)) throw new Error("mysqld does not run");
        return;
      case "arm":
        return this.mysqld.arm(request.armed);
      case "gone":
        return this.mysqld.gone();
      case "bundle":
        return this.agent.tryBundle(request.path);
      case "state":
        return;
    }
  }

  private state(): SupervisorState {
    const shuttingDown = this.shutdownEnds !== undefined;
    const refusedBundle = this.agent.refused;
    return { ...this.mysqld.state, shuttingDown, rssBytes: process.memoryUsage.rss(), refusedBundle };
  }

  private shutdown(): void {
    if (this.shutdownEnds !== undefined) return;
    this.shutdownEnds = performance.now() + this.options.shutdownLimitMs;
    log(`shutdown: the agent has ${this.options.shutdownLimitMs} ms`);
    this.agent.lastRun();
    this.tellShutdown();
    setTimeout(() => {
      log("shutdown: time is up");
      this.agent.kill();
      this.mysqld.signal("SIGKILL");
      this.finish();
    }, this.options.shutdownLimitMs);
    if (!this.agent.runs) this.onAgentEnd();
  }

  private tellShutdown(): void {
    if (this.shutdownEnds === undefined) return;
    this.link.send({ notice: "shutdown", limitMs: Math.max(0, this.shutdownEnds - performance.now()) });
  }

  /** In a shutdown the agent's end is the end: what it left running is killed, never asked (B: SIGTERM gives OK). */
  private onAgentEnd(): void {
    if (this.shutdownEnds === undefined) return;
    this.mysqld.signal("SIGKILL");
    this.finish();
  }

  private finish(): void {
    if (this.shutdownEnds === undefined || this.agent.runs || this.mysqld.present) return;
    log("shutdown: done");
    this.link.close();
    process.exit(0);
  }
}

new Supervisor(readOptions(process.env, process.execPath, __dirname));
