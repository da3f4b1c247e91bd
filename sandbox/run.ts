import { execFile, execFileSync, spawn, type ChildProcess } from "node:child_process";
import { closeSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { CHECKOUT, paths } from "./config";
import { joinSystemCgroup } from "./cgroups";
import { processStart } from "./processes";

/** A problem that the person at the terminal can mend: printed as one sentence, without a stack. */
export class Refusal extends Error {}

export interface RunOptions {
  /** Written to the command's standard input. */
  readonly input?: string;
  /** Default 60,000. */
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;

/** Runs a command to its end and returns its standard output. @throws with standard error in the message. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((done, fail) => {
    const child = execFile(
      command,
      [...args],
      {
        cwd: options.cwd,
        env: { ...process.env, ...options.env },
        timeout: options.timeoutMs ?? 60_000,
        killSignal: "SIGKILL",
        maxBuffer: MAX_OUTPUT_BYTES,
      },
      (error, stdout, stderr) => {
        if (!error) return done(stdout);
        const why = stderr.trim() || stdout.trim() || error.message;
        fail(new Error(`${command} ${args.slice(0, 6).join(" ")}: ${why}`, { cause: error }));
      },
    );
    child.stdin?.on("error", () => undefined); // A command that reads no input may be gone before it is written.
    child.stdin?.end(options.input ?? "");
  });
}

/** As `run`, but waits; for short commands where order matters more than time. */
export function runSync(command: string, args: readonly string[]): string {
  return execFileSync(command, [...args], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** As `runSync`, but a failure is an answer: undefined. */
export function trySync(command: string, args: readonly string[]): string | undefined {
  try {
    return runSync(command, args);
  } catch {
    return undefined;
  }
}

/** The command line that runs `command` inside a network namespace, as the same process id. */
export function inNetns(netns: string, command: readonly string[]): string[] {
  // Not `ip netns exec`: it would make a mount namespace, and mounts must be shared between the nodes.
  return ["nsenter", `--net=/run/netns/${netns}`, "--", ...command];
}

export interface Daemon {
  readonly name: string;
  readonly netns: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a long-lived process in a namespace, with its log and pid file in the state directory. */
export function startDaemon(daemon: Daemon): ChildProcess {
  const { logs, pids } = paths();
  mkdirSync(logs, { recursive: true });
  mkdirSync(pids, { recursive: true });
  const log = openSync(join(logs, `${daemon.name}.log`), "a");
  const [command = "", ...args] = inNetns(daemon.netns, daemon.command);
  const child = spawn(command, args, {
    cwd: "/",
    detached: true,
    stdio: ["ignore", log, log],
    env: { ...process.env, ...daemon.env },
  });
  closeSync(log);
  child.on("error", () => undefined); // Shown by the readiness wait that follows, with the log's name.
  child.unref();
  if (child.pid !== undefined) {
    joinSystemCgroup(child.pid);
    const record = { pid: child.pid, start: processStart(child.pid) };
    writeFileSync(join(pids, `${daemon.name}.json`), JSON.stringify(record));
  }
  return child;
}

/** Polls until `probe` is true. @throws after the deadline, naming what was awaited and the last failure. */
export async function until(
  what: string,
  deadlineMs: number,
  probe: () => Promise<boolean> | boolean,
): Promise<void> {
  const end = Date.now() + deadlineMs;
  let last: unknown;
  while (Date.now() < end) {
    try {
      if (await probe()) return;
    } catch (cause) {
      last = cause;
    }
    await new Promise((wake) => setTimeout(wake, 50));
  }
  const why = last instanceof Error ? `: ${last.message}` : "";
  throw new Error(
    `${what} not after ${deadlineMs / 1000} s${why} (logs: ${join(CHECKOUT, ".sandbox/logs")})`,
  );
}

/** Writes a file and the directories above it. */
export function put(path: string, content: string, mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content, { mode });
}
