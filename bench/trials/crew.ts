/** The clients of one subject: a process that lives through all trials, busy in a trial, at rest between them. */
import type { ChildProcess } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { MYSQL_PORT } from "../../api/agent";
import { CONTROL_PLANE } from "../../sandbox/config";
import { inNamespace } from "../../sandbox/kube";
import type { Met, Order, Turn } from "../client";
import { parseContacts, parseLog, type Contact, type Entry } from "../outage";
import { limit, waitFor } from "../waits";
import { OUT } from "../writers";
import type { Target } from "./subject";

const DAY_MS = 24 * 3600_000;

/**
 * Clients who hurry, each at its own pace, so that the figure is the subject's and not one time limit's: TCP is given
 * up after 100 to 300 ms, a statement after 0.5 to 1 s. A login may take longer: 32 at once are work for two cores.
 */
const HASTE = { reachTimeoutMs: 200, connectTimeoutMs: 1000, statementTimeoutMs: 1000, pauseMs: 10 } as const;

/** All clients together try this often per second: more would measure their own hunger for CPU. */
const TRIES_PER_SECOND = 200;

export class Crew {
  private errorText = "";
  private readonly met: Met[] = [];
  private turns = 0;
  private tail: LogTail | undefined;
  private readonly child: ChildProcess;

  /** Starts the process; it writes nothing before the first turn. */
  constructor(target: Target) {
    const { host, ...access } = target;
    const idle: Turn = { run: "rest", writers: 0, log: "/dev/null" };
    const order: Order = {
      ...HASTE,
      ...access,
      ...idle,
      hosts: [host],
      port: MYSQL_PORT,
      contacts: true,
      maxMs: DAY_MS,
    };
    const command = [process.execPath, "--import", "tsx", join(__dirname, "..", "client.ts")];
    this.child = inNamespace(CONTROL_PLANE.netns, command, { cwd: join(__dirname, "..", "..") });
    this.child.stderr?.on("data", (chunk: Buffer) => (this.errorText += chunk.toString()));
    this.child.stdin?.on("error", () => undefined); // Told by its exit.
    if (this.child.stdout) {
      createInterface({ input: this.child.stdout }).on("line", (line) => {
        if (line.startsWith("{")) this.met.push(JSON.parse(line) as Met);
      });
    }
    this.say(order);
  }

  /** Begins a run and waits until each writer has had a commit acknowledged. @throws Overdue. */
  async begin(run: string, writers: number, deadlineMs = 30_000): Promise<void> {
    const log = join(OUT, "writers", `${run}.jsonl`);
    mkdirSync(join(OUT, "writers"), { recursive: true });
    this.tail = new LogTail(log);
    this.say({ run, writers, log, retryMs: (writers * 1000) / TRIES_PER_SECOND });
    this.turns++;
    await waitFor("every writer wrote", { deadlineMs, everyMs: 25 }, () => {
      const wrote = new Set(
        this.entries()
          .filter(({ outcome }) => outcome === "ok")
          .map(({ writer }) => writer),
      );
      return wrote.size === writers ? { value: undefined } : `${wrote.size} of ${writers} writers wrote`;
    });
  }

  /** The answers of this run so far. @throws when the process died. */
  entries(): readonly Entry[] {
    if (this.child.exitCode !== null) throw new Error(`the clients ended: ${this.errorText.slice(0, 500)}`);
    return this.tail?.read() ?? [];
  }

  contacts(): readonly Contact[] {
    return this.tail?.contacts() ?? [];
  }

  /** Waits for a commit acknowledged after `since` (epoch, ms). */
  awaitOk(since: number, deadlineMs: number): Promise<Entry> {
    return waitFor("a write acknowledged", { deadlineMs, everyMs: 10 }, () => {
      const found = [...this.entries()]
        .slice(-64)
        .reverse()
        .find(({ outcome, at }) => outcome === "ok" && at > since);
      return found ? { value: found } : `none since ${new Date(since).toISOString()}`;
    });
  }

  /** Ends the run; returns what they met, when no statement is under way any more. */
  async rest(): Promise<Met> {
    this.say({ run: "rest", writers: 0, log: "/dev/null" });
    const wanted = ++this.turns;
    const met = await waitFor("the writers at rest", { deadlineMs: 15_000, everyMs: 10 }, () => {
      const found = this.met[wanted - 1];
      return found ? { value: found } : "some still write";
    });
    return met;
  }

  /** After a good verdict nobody needs the log. */
  forget(): void {
    this.tail?.remove();
  }

  async end(): Promise<void> {
    const gone = new Promise((done) => this.child.once("exit", done));
    this.child.stdin?.end();
    if (this.child.exitCode !== null) return;
    await limit(15_000, gone).catch(() => this.child.kill("SIGKILL"));
  }

  private say(what: Order | Turn): void {
    this.child.stdin?.write(`${JSON.stringify(what)}\n`);
  }
}

/** Reads a growing log piece by piece: read whole at each look it would cost more than the clients do. */
class LogTail {
  private offset = 0;
  private rest = "";
  private readonly found: Entry[] = [];
  private readonly met: Contact[] = [];

  constructor(private readonly path: string) {}

  read(): readonly Entry[] {
    if (!existsSync(this.path)) return this.found;
    const text = this.rest + this.more();
    const end = text.lastIndexOf("\n") + 1;
    this.rest = text.slice(end);
    this.found.push(...parseLog(text.slice(0, end)));
    this.met.push(...parseContacts(text.slice(0, end)));
    return this.found;
  }

  contacts(): readonly Contact[] {
    this.read();
    return this.met;
  }

  remove(): void {
    rmSync(this.path, { force: true });
  }

  private more(): string {
    if (this.offset === 0) {
      const whole = readFileSync(this.path);
      this.offset = whole.length;
      return whole.toString();
    }
    const file = openSync(this.path, "r");
    try {
      const pieces: string[] = [];
      const buffer = Buffer.alloc(65_536);
      for (let read = -1; read !== 0; ) {
        read = readSync(file, buffer, 0, buffer.length, this.offset);
        this.offset += read;
        pieces.push(buffer.toString("latin1", 0, read)); // The log is ASCII: a cut inside a character cannot be.
      }
      return pieces.join("");
    } finally {
      closeSync(file);
    }
  }
}
