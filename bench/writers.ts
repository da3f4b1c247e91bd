/** The clients' process, held from outside: started in the cluster's network, read while it runs, stopped. */
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { MYSQL_PORT } from "../api/agent";
import { names } from "../api/names";
import { CONTROL_PLANE } from "../sandbox/config";
import { inNamespace } from "../sandbox/kube";
import { readSecret, serviceIp, type ClusterRef } from "./cluster";
import type { Met, Order } from "./client";
import { parseLog, type Entry } from "./outage";
import { limit, waitFor } from "./waits";

export interface WritersOptions {
  /** Default 8. */
  readonly writers?: number;
  /** Addresses to try in turn; default: that of the primary's Service. */
  readonly hosts?: readonly string[];
  /** The clients end by themselves after this; default 30 minutes. */
  readonly maxMs?: number;
}

export const OUT = join(__dirname, "..", "out");

/** As a hasty application would have it; see docs/testing.md. */
const CLIENT = { pauseMs: 10, connectTimeoutMs: 500, statementTimeoutMs: 1000 } as const;

/** Writers that run until they are stopped. */
export class Writers {
  private errorText = "";
  private output = "";
  private readonly ended: Promise<number | null>;

  private constructor(
    /** Distinguishes this run's rows. */
    readonly run: string,
    readonly log: string,
    private readonly child: ChildProcess,
  ) {
    child.stdout?.on("data", (chunk: Buffer) => (this.output += chunk.toString()));
    child.stderr?.on("data", (chunk: Buffer) => (this.errorText += chunk.toString()));
    child.stdin?.on("error", () => undefined); // Told by its exit.
    this.ended = new Promise((done) => child.once("exit", (code) => done(code)));
  }

  /** Starts them and waits until each has had a commit acknowledged. @throws Overdue when that takes over 30 s. */
  static async start(ref: ClusterRef, options: WritersOptions = {}): Promise<Writers> {
    const { writers = 8, maxMs = 30 * 60_000 } = options;
    const secret = await readSecret(ref.namespace, names.appSecret(ref.name));
    const hosts = options.hosts ?? [await serviceIp(ref.namespace, names.primaryService(ref.name))];
    const run = `${Date.now().toString(36)}-${process.pid.toString(36)}`;
    const log = join(OUT, "writers", `${run}.jsonl`);
    mkdirSync(dirname(log), { recursive: true });
    const order: Order = {
      ...CLIENT,
      run,
      hosts,
      port: MYSQL_PORT,
      user: secret.username ?? "",
      password: secret.password ?? "",
      database: secret.database ?? "",
      ca: secret["ca.crt"] ?? "",
      writers,
      log,
      maxMs,
    };
    const command = [process.execPath, "--import", "tsx", join(__dirname, "client.ts")];
    const child = inNamespace(CONTROL_PLANE.netns, command, { cwd: join(__dirname, "..") });
    const started = new Writers(run, log, child);
    child.stdin?.write(`${JSON.stringify(order)}\n`);
    try {
      await started.awaitOkOfEach(writers);
    } catch (cause) {
      await started.stop();
      throw cause;
    }
    return started;
  }

  /** What is in the log now. */
  entries(): Entry[] {
    return existsSync(this.log) ? parseLog(readFileSync(this.log, "utf8")) : [];
  }

  /** Waits for a commit acknowledged after `since` (epoch, ms). */
  awaitOk(since: number, deadlineMs: number): Promise<Entry> {
    return waitFor("a write acknowledged", { deadlineMs }, () => {
      this.assertRunning();
      const found = this.entries().find(({ outcome, at }) => outcome === "ok" && at > since);
      return found ? { value: found } : `none since ${new Date(since).toISOString()}`;
    });
  }

  private async awaitOkOfEach(writers: number): Promise<void> {
    await waitFor("every writer wrote", { deadlineMs: 30_000 }, () => {
      this.assertRunning();
      const wrote = new Set(this.entries().map(({ writer }) => writer));
      return wrote.size === writers ? { value: undefined } : `${wrote.size} of ${writers} writers wrote`;
    });
  }

  /** @throws when the clients' process died. */
  private assertRunning(): void {
    if (this.child.exitCode !== null) throw new Error(`the clients ended: ${this.errorText.slice(0, 500)}`);
  }

  /** Ends them; returns what they met. SIGKILL when they do not end within 15 s. */
  async stop(): Promise<Met> {
    this.child.stdin?.end();
    await limit(15_000, this.ended).catch(() => {
      this.child.kill("SIGKILL");
      return this.ended;
    });
    const line = this.output.trim().split("\n").at(-1) ?? "";
    return line.startsWith("{") ? (JSON.parse(line) as Met) : { acknowledged: 0, unknown: 0, errors: {} };
  }

  /** Removes the log; after a good verdict nobody needs it. */
  forget(): void {
    rmSync(this.log, { force: true });
  }
}
