/**
 * One connection for one purpose, opened when first used and again after it broke.
 *
 * A statement ends in one of three ways: its rows, its error, or `abort`, which rejects it at once and has the server
 * kill it (a statement of a lost term must not take effect later; agent.md, Promotion).
 */
import { createConnection, type Connection } from "mysql2/promise";
import type { Account } from "./options";
import { Waiters } from "./waiters";

export type Row = Readonly<Record<string, unknown>>;

export class TimedOut extends Error {
  constructor(sql: string, limitMs: number) {
    super(`no answer within ${limitMs} ms: ${sql.slice(0, 60)}`);
  }
}

export interface SessionOptions {
  readonly socketPath: string;
  account(): Promise<Account>;
  /** Kills a connection of the server by id and sees to it that it is gone; never rejects. */
  kill(id: number): void;
}

interface Open {
  readonly connection: Connection;
  readonly id: number;
  /** Refused when the session is aborted or the connection breaks: mysql2 forgets queries of a destroyed one. */
  readonly waiters: Waiters;
}

export class Session {
  private opening: Promise<Open> | undefined;

  constructor(private readonly options: SessionOptions) {}

  /** @throws the server's error, TimedOut (then the statement is killed), or the reason of an abort. */
  async query(sql: string, limitMs?: number): Promise<readonly Row[]> {
    const open = await this.open();
    const answer = open.connection.query(sql).then(([result]): readonly Row[] => rowsOf(result));
    answer.catch(() => undefined); // Whoever loses the race must not be unhandled.
    const waited = open.waiters.wait(answer);
    if (limitMs === undefined) return waited;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new TimedOut(sql, limitMs)), limitMs);
    });
    try {
      return await Promise.race([waited, late]);
    } catch (error) {
      if (error instanceof TimedOut) this.abort(error);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The first row. @throws Error when there is none. */
  async row(sql: string, limitMs?: number): Promise<Row> {
    const [row] = await this.query(sql, limitMs);
    if (row === undefined) throw new Error(`no row: ${sql.slice(0, 60)}`);
    return row;
  }

  /** Connects if not connected, so that the first statement need not. */
  async open(): Promise<Open> {
    this.opening ??= this.connect();
    try {
      return await this.opening;
    } catch (error) {
      this.opening = undefined;
      throw error;
    }
  }

  /** Ends what runs here with `error`, on the server too. The next query connects anew. */
  abort(error: Error): void {
    this.end(error, (id) => this.options.kill(id));
  }

  /** The same when the server is gone: the ids of its connections mean nothing to its successor. */
  drop(error: Error): void {
    this.end(error, () => undefined);
  }

  private end(error: Error, kill: (id: number) => void): void {
    const { opening } = this;
    this.opening = undefined;
    void opening?.then(
      ({ connection, id, waiters }) => {
        waiters.refuseAll(error);
        connection.destroy();
        kill(id);
      },
      () => undefined,
    );
  }

  private async connect(): Promise<Open> {
    const { username, password } = await this.options.account();
    const connection = await createConnection({
      socketPath: this.options.socketPath,
      user: username,
      password,
      supportBigNumbers: true,
      bigNumberStrings: true,
      connectTimeout: 5_000,
    });
    const waiters = new Waiters();
    const forget = (error: Error): void => {
      waiters.refuseAll(error);
      this.opening = undefined;
    };
    connection.on("error", (error) => forget(error instanceof Error ? error : new Error(String(error))));
    connection.on("end", () => forget(new Error("mysqld closed the connection")));
    return { connection, id: connection.threadId, waiters };
  }
}

function rowsOf(result: unknown): readonly Row[] {
  if (!Array.isArray(result)) return isRow(result) ? [result] : [];
  return result.filter(isRow);
}

function isRow(value: unknown): value is Row {
  return typeof value === "object" && value !== null;
}

/** The error number of the server, or undefined for another kind of error. */
export function errorNumber(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("errno" in error)) return undefined;
  return typeof error.errno === "number" && error.errno > 0 ? error.errno : undefined;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const NO_SUCH_THREAD = 1094;

/** Whom a KILL was meant for has gone by himself. */
export const isNoSuchThread = (error: unknown): boolean =>
  error instanceof Error && "errno" in error && error.errno === NO_SUCH_THREAD;
