/** Death seen early: before a dead process has given its memory back, and so before anybody is told of its end. */
import { readFileSync } from "node:fs";

/**
 * Whether the process can run no instruction of its program any more: its first thread has ended (state Z or X in
 * proc_pid_stat(5)), which of a mysqld happens by a fatal signal to the whole process alone. The kernel frees the memory when the last
 * thread goes, and reports the end only then: 130 ms later at 0.6 GB, about a second at 5.5 GB (docs/measured-facts.md).
 */
export function isDying(pid: number): boolean {
  try {
    return "ZX".includes(stateIn(readFileSync(`/proc/${pid}/stat`, "latin1")));
  } catch {
    return false; // Reaped meanwhile: its end is on its way.
  }
}

/** The one letter after the command's name, which may itself hold spaces and parentheses. */
export function stateIn(stat: string): string {
  return stat.slice(stat.lastIndexOf(")") + 2).charAt(0) || "?";
}
