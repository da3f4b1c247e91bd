/**
 * The clients: W writers with one connection each, who commit one row after the other and say what was
 * acknowledged. Runs as a process of its own in the control plane's network namespace, as an application's pod
 * would: `echo ORDER | tsx bench/client.ts`. The order (JSON) comes by standard input, for it holds a password.
 *
 * A row is never tried twice: its number is either acknowledged, unknown, or refused for certain. Each further line
 * of its input is a Turn: other writers, another run, another log. At the end of each turn it prints what it met as
 * one line of JSON. Ends after `maxMs`, or when its standard input ends.
 */
import { appendFileSync } from "node:fs";
import { connect as connectTcp, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { createConnection, type Connection, type QueryError } from "mysql2";
import { contactLine, logLine, type Contact, type Entry } from "./outage";

/** Who writes what from now on; 0 writers is a rest. */
export interface Turn {
  /** Distinguishes the rows of this run from those of any other. */
  readonly run: string;
  readonly writers: number;
  /** The log of answers, JSON lines. */
  readonly log: string;
  /** Between two attempts, on average; default 5. */
  readonly retryMs?: number;
}

/** What the clients are told first; its own turn begins at once. */
export interface Order extends Turn {
  /** Tried in turn: a Service's address, or those of the pods. */
  readonly hosts: readonly string[];
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** PEM; the server's certificate must be signed by it. */
  readonly ca: string;
  /** Between two commits of a writer: think time, so that the machine is loaded, not drowned. */
  readonly pauseMs: number;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
  /** For TCP to stand, on average over the attempts; default: as long as the whole connection may take. */
  readonly reachTimeoutMs?: number;
  /** Logs each connection that is made, too: it shows when the way to a new primary was open. */
  readonly contacts?: boolean;
  readonly maxMs: number;
}

/** What the clients met, printed at the end. */
export interface Met {
  readonly acknowledged: number;
  readonly unknown: number;
  /** Error code → how often; connecting and writing together. */
  readonly errors: Readonly<Record<string, number>>;
}

export const TABLE = "porpoise_writes";
const CREATE = `CREATE TABLE IF NOT EXISTS ${TABLE}
  (run VARCHAR(40), writer INT, seq INT, at TIMESTAMP(3) DEFAULT CURRENT_TIMESTAMP(3), PRIMARY KEY (run, writer, seq))`;
/** Between two attempts: a client that hurries, without spinning. */
const RETRY_MS = 5;

type Progress = "more" | "done";
type Work = (connection: Connection) => Promise<Progress>;

const sleep = (ms: number): Promise<void> => new Promise((wake) => setTimeout(wake, ms));

/** Clients of different applications do not beat in step; a mean of 1. */
const aside = (): number => 0.5 + Math.random();

class Deadline extends Error {
  readonly code = "DEADLINE";
}

/** The answer of a callback, or Deadline; what then happens to the work is the caller's. */
function within<T>(
  ms: number,
  ask: (answer: (error: QueryError | null, value?: T) => void) => void,
): Promise<T> {
  return new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Deadline(`no answer in ${ms} ms`)), ms);
    ask((error, value) => {
      clearTimeout(timer);
      if (error) fail(error);
      else done(value as T);
    });
  });
}

/** Refusals of a server that did not take the row: read-only, offline, shutting down, no such right. */
const REFUSALS = new Set([
  "ER_OPTION_PREVENTS_STATEMENT",
  "ER_SERVER_OFFLINE_MODE",
  "ER_READ_ONLY_MODE",
  "ER_NO_SUCH_TABLE",
  "ER_LOCK_WAIT_TIMEOUT",
]);

class Writers {
  private ended = false;
  private readonly errors: Record<string, number> = {};
  private acknowledged = 0;
  private unknown = 0;

  constructor(
    private readonly order: Order,
    private readonly turn: Turn,
  ) {}

  stop(): void {
    this.ended = true;
  }

  /** Until it is stopped. */
  async run(): Promise<Met> {
    if (this.turn.writers > 0) await this.createTable();
    await Promise.all(Array.from({ length: this.turn.writers }, (_, writer) => this.write(writer)));
    return { acknowledged: this.acknowledged, unknown: this.unknown, errors: this.errors };
  }

  private async createTable(): Promise<void> {
    await this.onConnections(0, async (connection) => {
      await within(10_000, (answer) => connection.query(CREATE, answer));
      return "done";
    });
  }

  private async write(writer: number): Promise<void> {
    let seq = 0;
    await this.onConnections(writer, async (connection) => {
      await this.commit(connection, { writer, seq: ++seq });
      await sleep(this.order.pauseMs);
      return "more";
    });
  }

  /** One row. An error says whether the row may be there, is logged so, and ends the connection. */
  private async commit(connection: Connection, row: { writer: number; seq: number }): Promise<void> {
    const insert = `INSERT INTO ${TABLE} (run, writer, seq) VALUES (?, ?, ?)`;
    try {
      await within(this.statementTimeoutMs(row.writer), (answer) =>
        connection.query(insert, [this.turn.run, row.writer, row.seq], answer),
      );
      this.acknowledged++;
      this.note({ ...row, at: Date.now(), outcome: "ok" });
    } catch (cause) {
      if (!REFUSALS.has(codeOf(cause))) {
        this.unknown++;
        this.note({ ...row, at: Date.now(), outcome: "unknown" });
      }
      throw cause;
    }
  }

  /** The longest is the order's; with `reachTimeoutMs` the others' are shorter, down to half, evenly. */
  private statementTimeoutMs(writer: number): number {
    const { statementTimeoutMs, reachTimeoutMs } = this.order;
    const share = reachTimeoutMs === undefined ? 0 : writer / (2 * this.turn.writers);
    return statementTimeoutMs * (1 - share);
  }

  // Before the next row: what was acknowledged is in the file even if this process is killed.
  private note(entry: Entry): void {
    appendFileSync(this.turn.log, logLine(entry));
  }

  private contact(contact: Contact): void {
    if (this.order.contacts === true) appendFileSync(this.turn.log, contactLine(contact));
  }

  /** Repeats `work` until it is done; after an error on a new connection, to the next host. */
  private async onConnections(first: number, work: Work): Promise<void> {
    const { hosts } = this.order;
    let state: Progress = "more";
    for (let attempt = first; state === "more" && !this.ended; attempt++) {
      const connection = this.connection(hosts[attempt % hosts.length] ?? "", first);
      const since = Date.now();
      try {
        await within(this.order.connectTimeoutMs, (answer) => connection.connect(answer));
        this.contact({ writer: first, at: Date.now(), what: "greeted" });
        while (state === "more" && !this.ended) state = await work(connection);
      } catch (cause) {
        const code = codeOf(cause);
        this.errors[code] = (this.errors[code] ?? 0) + 1;
        const now = Date.now();
        this.contact({ writer: first, at: now, what: "failed", why: `${code} after ${now - since} ms` });
        await sleep((this.turn.retryMs ?? RETRY_MS) * aside());
      } finally {
        connection.destroy();
      }
    }
  }

  private connection(host: string, writer: number): Connection {
    const { port, user, password, database, ca } = this.order;
    const stream = (): Socket => {
      const socket = connectTcp(port, host).setNoDelay(true);
      const { reachTimeoutMs, connectTimeoutMs } = this.order;
      const limit = reachTimeoutMs === undefined ? connectTimeoutMs : reachTimeoutMs * aside();
      const timer = setTimeout(() => socket.destroy(new Deadline(`no connection in ${limit} ms`)), limit);
      socket.once("close", () => clearTimeout(timer));
      return socket.once("connect", () => {
        clearTimeout(timer);
        this.contact({ writer, at: Date.now(), what: "reached" });
      });
    };
    const connection = createConnection({ host, port, user, password, database, ssl: { ca }, stream });
    connection.on("error", () => undefined); // The callback tells it, too.
    return connection;
  }
}

function codeOf(cause: unknown): string {
  const code = (cause as { code?: unknown }).code;
  return typeof code === "string" ? code : String(cause);
}

/** The turns, one after the other: the next begins when every writer of the one before has left. */
class Crew {
  private current: Writers | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly order: Order) {}

  begin(turn: Turn): void {
    this.current?.stop();
    const writers = new Writers(this.order, turn);
    this.current = writers;
    this.running = this.running
      .then(() => writers.run())
      .then((met) => console.log(JSON.stringify(met)))
      .catch((cause: unknown) => {
        console.error(cause);
        process.exit(1);
      });
  }

  end(): void {
    this.current?.stop();
  }
}

function main(): void {
  let crew: Crew | undefined;
  const lines = createInterface({ input: process.stdin });
  const end = (): void => {
    crew?.end();
    process.stdin.destroy();
  };
  lines.on("line", (line) => {
    if (crew) return crew.begin(JSON.parse(line) as Turn);
    const order = JSON.parse(line) as Order;
    crew = new Crew(order);
    crew.begin(order);
    setTimeout(end, order.maxMs).unref();
  });
  lines.on("close", end);
  process.on("SIGTERM", end);
}

if (require.main === module) main();
