/** What processes of pods use: CPU time and memory, from /proc, since the nodes share this machine's kernel. */
import { readFileSync } from "node:fs";
import { isProcess, podProcesses } from "../sandbox/faults";

/** The processes that a figure is given for. */
export const PROCESSES = ["mysqld", "agent", "supervisor"] as const;
export type ProcessKind = (typeof PROCESSES)[number];

export interface Usage {
  /** Since the process started, ms. */
  readonly cpuMs: number;
  readonly rssBytes: number;
  /** Changes when the process was restarted: then its CPU time began anew. */
  readonly pid: number;
}

/** Linux counts in 1/100 s on every machine it runs on (USER_HZ). */
const TICK_MS = 10;

/** CPU time and memory from the text of /proc/PID/stat and /proc/PID/status. Pure. */
export function parseUsage(pid: number, stat: string, status: string): Usage {
  // The command's name stands in parentheses and may hold anything; utime is field 14, stime 15.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const rss = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? "0";
  return { pid, cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS, rssBytes: Number(rss) * 1024 };
}

/** Usage of a pod's processes; who does not run is absent. */
export async function podUsage(pod: string): Promise<Partial<Record<ProcessKind, Usage>>> {
  const found: Partial<Record<ProcessKind, Usage>> = {};
  for (const process of await podProcesses(pod)) {
    const kind = PROCESSES.find((name) => isProcess(process, name));
    if (kind !== undefined) found[kind] = readUsage(process.pid);
  }
  return found;
}

const readUsage = (pid: number): Usage =>
  parseUsage(pid, readFileSync(`/proc/${pid}/stat`, "utf8"), readFileSync(`/proc/${pid}/status`, "utf8"));

/** Percent of one core between two readings; undefined when the process is another one now. */
export function cpuPercent(
  before: Usage | undefined,
  after: Usage | undefined,
  ms: number,
): number | undefined {
  if (!before || !after || before.pid !== after.pid) return undefined;
  return ((after.cpuMs - before.cpuMs) / ms) * 100;
}
