/**
 * A world of its own: the harness runs in new network, mount and PID namespaces. Whatever it makes in there
 * (a bridge, mounts, processes) ends with its first process, also when that is killed: nothing is left to clean up,
 * no address can collide, and no process of anybody else can be hit.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const INSIDE = "PORPOISE_FAULTS_DIR";
const PREFIX = "porpoise-faults-";

/** The run's directory when this process is in its own world; undefined outside. */
export const insideDirectory = (): string | undefined => process.env[INSIDE];

/**
 * Runs the command in a world of its own; resolves to its exit code. Its directory is removed afterwards.
 * The shell between is the world's PID 1: it reaps what orphans leave.
 */
export async function runInside(command: readonly string[]): Promise<number> {
  removeLeftovers();
  const directory = mkdtempSync(join(tmpdir(), PREFIX));
  writeFileSync(join(directory, "pid"), String(process.pid));
  const world = ["--net", "--mount", "--pid", "--fork", "--kill-child=SIGKILL", "--mount-proc"];
  const shell = ["sh", "-c", '"$@"; exit $?', "sh", ...command];
  const child = spawn("unshare", [...world, ...shell], {
    // Whatever makes temporary files in there makes them where they will be removed.
    env: { ...process.env, [INSIDE]: directory, TMPDIR: directory },
    stdio: "inherit",
  });
  // A Ctrl-C reaches the whole group of the terminal: the harness inside ends by itself and tells why.
  const wait = (): void => undefined;
  process.on("SIGINT", wait);
  process.on("SIGTERM", () => child.kill("SIGKILL"));
  const code = await new Promise<number>((done, failed) => {
    child.once("error", failed);
    child.once("exit", (status) => done(status ?? 1));
  });
  process.off("SIGINT", wait);
  rmSync(directory, { recursive: true, force: true });
  return code;
}

/** Directories of runs whose process is gone. The mounts in them ended with their world. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir()).filter((each) => each.startsWith(PREFIX))) {
    const directory = join(tmpdir(), name);
    if (!isAlive(pidIn(directory))) rmSync(directory, { recursive: true, force: true });
  }
}

function pidIn(directory: string): number {
  try {
    return Number(readFileSync(join(directory, "pid"), "utf8"));
  } catch {
    return 0;
  }
}

function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch {
    return false;
  }
}
