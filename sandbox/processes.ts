import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { CONTROL_PLANE, NODES, paths } from "./config";

/** What runs on this machine and which of it is ours, read from /proc. */

/** A process as /proc describes it. */
export interface Process {
  readonly pid: number;
  readonly comm: string;
  readonly cmdline: readonly string[];
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // Gone meanwhile.
  }
}

/** Start time in clock ticks since boot: with the pid it names a process for ever, since pids are used again. */
export function processStart(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`);
  // The command's name stands in parentheses and may hold anything; field 22 counts from after it.
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}

/** True while the very process runs that a pid file names (a zombie is not running). */
export function isAlive(pid: number, start: string | undefined): boolean {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined || stat.charAt(stat.lastIndexOf(")") + 2) === "Z") return false;
  return start === undefined || processStart(pid) === start;
}

/** Reads one process. Absent when it is gone. */
export function processOf(pid: number): Process | undefined {
  const comm = read(`/proc/${pid}/comm`);
  const cmdline = read(`/proc/${pid}/cmdline`);
  if (comm === undefined || cmdline === undefined) return undefined;
  return { pid, comm: comm.trim(), cmdline: cmdline.split("\0").slice(0, -1) };
}

/** The pid of a daemon of the sandbox, if it still runs. */
export function daemonPid(name: string, checkout?: string): number | undefined {
  const text = read(join(paths(checkout).pids, `${name}.json`));
  if (text === undefined) return undefined;
  const record = JSON.parse(text) as { pid: number; start?: string };
  return isAlive(record.pid, record.start) ? record.pid : undefined;
}

const allPids = (): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

function netnsIds(): Map<number, string> {
  const ids = new Map<number, string>();
  for (const netns of [CONTROL_PLANE.netns, ...NODES.map((node) => node.netns)]) {
    const file = `/run/netns/${netns}`;
    if (existsSync(file)) ids.set(statSync(file).ino, netns);
  }
  return ids;
}

/** True when some process on the machine has this name. */
export const anyProcess = (comm: string): boolean =>
  allPids().some((pid) => isAlive(pid, undefined) && processOf(pid)?.comm === comm);

/**
 * Every process of a sandbox on this machine, whoever started it: those inside its namespaces (daemons, shims,
 * test clients) and those in its cgroups (containers, which have namespaces of their own).
 */
export function sandboxProcesses(): { pid: number; netns: string }[] {
  const ids = netnsIds();
  const found: { pid: number; netns: string }[] = [];
  for (const pid of allPids()) {
    const owner = netnsOf(pid, ids) ?? cgroupOf(pid);
    if (owner !== undefined) found.push({ pid, netns: owner });
  }
  return found;
}

function netnsOf(pid: number, ids: ReadonlyMap<number, string>): string | undefined {
  try {
    const inode = /\[(\d+)\]/.exec(readlinkSync(`/proc/${pid}/ns/net`))?.[1];
    return inode === undefined ? undefined : ids.get(Number(inode));
  } catch {
    return undefined;
  }
}

function cgroupOf(pid: number): string | undefined {
  return /:\/(pp-node\d+)(\/|$)/m.exec(read(`/proc/${pid}/cgroup`) ?? "")?.[1];
}

/** Node.js processes that work in a checkout (tests, benchmarks, builds): not those of its sandbox, not shells. */
export function usersOf(checkout: string): number[] {
  const ours = new Set(sandboxProcesses().map(({ pid }) => pid));
  return allPids().filter((pid) => {
    const program = processOf(pid)?.cmdline[0] ?? "";
    return (
      /(^|\/)(node|npm)( |$)/.test(program) && !ours.has(pid) && isBelow(workingDirectory(pid), checkout)
    );
  });
}

const isBelow = (dir: string | undefined, root: string): boolean =>
  dir !== undefined && (dir === root || dir.startsWith(`${root}/`));

function workingDirectory(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined; // Gone meanwhile.
  }
}
