/**
 * What the agent and the supervisor say to each other: one JSON object a line over a unix socket.
 *
 * The agent sends requests with an id and gets one answer for each, in order; beats have no answer. The supervisor
 * sends notices at any time. One agent at a time: a new connection replaces the older one. Durations are relative
 * to their receipt, so the two processes need no common clock.
 */

export interface StartRequest {
  readonly do: "start";
  /** What runs: the server itself, or a helper run that makes a data directory. */
  readonly kind: MysqldKind;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Files removed before the start: a stale `SOCKET.lock` that names a living pid stops mysqld (mysql-facts 8). */
  readonly remove: readonly string[];
}
export type MysqldKind = "serve" | "initialise";
/** Answered with `ok: false` when nothing runs. */
export interface SignalRequest {
  readonly do: "signal";
  readonly signal: "SIGTERM" | "SIGKILL";
}
/** Armed: mysqld is or may be writable; it is killed when `leaseMs` pass without a beat (I7). */
export interface ArmRequest {
  readonly do: "arm";
  readonly armed: boolean;
}
export interface StateRequest {
  readonly do: "state";
}
/** Answered when a mysqld that was reported dead is reaped too: its last write is over, its files are nobody's. */
export interface GoneRequest {
  readonly do: "gone";
}
/** Where a bundle waits and is tried, beside the proven one. It is there only until it is proven or given up. */
export const nextBundle = (proven: string): string => proven.replace(/[^/]*$/, "agent.next.js");

/** The agent's next start is from this bundle, on trial. Refused when the agent does not run from a bundle. */
export interface BundleRequest {
  readonly do: "bundle";
  readonly path: string;
}
export type Request = StartRequest | SignalRequest | ArmRequest | StateRequest | GoneRequest | BundleRequest;

export type ToSupervisor =
  | (Request & { readonly id: number })
  | { readonly do: "beat"; readonly forMs: number };

export interface Exit {
  readonly pid: number;
  readonly kind: MysqldKind;
  readonly code: number | null;
  /** "dying": all its threads are ended, how is not known yet (dying.ts). */
  readonly signal: string | null;
  /** The agent asked for it by a signal. */
  readonly wanted: boolean;
  /** The watchdog did it. */
  readonly watchdog: boolean;
}

export interface SupervisorState {
  readonly pid?: number;
  readonly kind?: MysqldKind;
  readonly armed: boolean;
  readonly lastExit?: Exit;
  readonly shuttingDown: boolean;
  readonly rssBytes: number;
  /** Why the last bundle that was sent is not in use. */
  readonly refusedBundle?: string;
}

export type Answer =
  | { readonly id: number; readonly ok: true; readonly state: SupervisorState }
  | { readonly id: number; readonly ok: false; readonly error: string };
export type Notice =
  | { readonly notice: "exit"; readonly exit: Exit }
  /** The pod is to end: hand over, stop mysqld, exit. */
  | { readonly notice: "shutdown"; readonly limitMs: number };
export type FromSupervisor = Answer | Notice;

/** Splits a byte stream into lines; `push` returns the whole lines that have come. A line too long is an error. */
export function lineSplitter(maxLength = 1_000_000): (chunk: string) => string[] {
  let rest = "";
  return (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > maxLength) throw new Error("line too long on the supervisor's socket");
    return lines.filter((line) => line !== "");
  };
}
