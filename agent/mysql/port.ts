/**
 * mysqld as the core sees it: verbs in, events out. The only implementation that touches a server is
 * `agent/mysql`; the simulation has another.
 */
import type { Event, Term, Verb } from "../raft/types";

export interface MysqlPort {
  /**
   * Starts the verb for `term`. Its end, also its failure, arrives once at the listener as the event of the verb
   * (types.ts, VerbEvent); never as an exception. Verbs of one kind do not overlap: a second one waits.
   */
  start(term: Term, verb: Verb): void;
  /** The term moved on: statements of older terms are killed and their verbs end as `failed`. */
  supersede(term: Term): void;
  /** Registers the one listener of verb ends, `mysqldExited`, `mysqldReady` and `observed`. */
  listen(listener: (event: Event) => void): void;
  /** What the supervisor has at the agent's start. */
  inspect(): Promise<{
    readonly mysqld: "running" | "down";
    readonly writable: boolean;
    readonly unsafeData: boolean;
  }>;
  /** The lease holds until then (monotonic ms, the agent's clock): the supervisor's watchdog is beaten. */
  beat(untilMs: number): void;
  /** Arms or disarms the watchdog that SIGKILLs a writable mysqld without a beat. Resolves when it is in force. */
  watchdog(armed: boolean): Promise<void>;
  /** Stops mysqld for good: cleanly when it is fenced and nothing waits, else SIGKILL; within `limitMs`. */
  stop(options: { readonly clean: boolean; readonly limitMs: number }): Promise<void>;
  /** A snapshot for status pages; never for decisions of the core. */
  snapshot(): MysqldSnapshot;
}

export interface MysqldSnapshot {
  readonly pid?: number;
  readonly version?: string;
  readonly serverUuid?: string;
  readonly executed?: string;
  readonly received?: string;
  readonly lagMs?: number;
  /** Commits that wait for an acknowledgement. */
  readonly waiting?: number;
  readonly readOnly?: boolean;
  readonly offline?: boolean;
  readonly replication?: { readonly receiver: string; readonly applier: string; readonly error?: string };
}
