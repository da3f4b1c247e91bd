/** What a verb works with. Every answer of the server is followed by a check that the verb is still wanted. */
import type { Event, Term, Verb, VerbName } from "../../raft/types";
import type { Monitor } from "../monitor";
import type { Server } from "../server";
import type { Row, Session } from "../session";

export interface VerbContext {
  readonly server: Server;
  readonly monitor: Monitor;
  readonly term: Term;
  /** The verb's own session; aborted when the verb is superseded. */
  readonly session: Session;
  /** @throws Superseded */
  check(): void;
  /** Runs one statement. @throws Superseded when the term has moved on meanwhile; the server's error. */
  query(sql: string, limitMs?: number): Promise<readonly Row[]>;
  /** Resolves when the verbs that this one ended (runner.ts, ENDS) are gone, on the server too. */
  othersEnded(): Promise<void>;
}

export type Handler<Name extends VerbName> = (
  context: VerbContext,
  verb: Extract<Verb, { verb: Name }>,
) => Promise<Event | readonly Event[]>;

/** The verb's term has passed; its statements were killed. */
export class Superseded extends Error {
  constructor() {
    super("superseded: the term has moved on");
  }
}

export async function all(context: VerbContext, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await context.query(statement);
}

/** What concerns this server alone stays out of the binary log. @throws the server's error. */
export function unlogged(context: VerbContext, statements: readonly string[]): Promise<void> {
  return all(context, ["SET SESSION sql_log_bin=0", ...statements, "SET SESSION sql_log_bin=1"]);
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
