/**
 * The clients: W writers with one connection each, who commit one row after the other and say what was
 * acknowledged. Runs as a process of its own in the control plane's network namespace, as an application's pod
 * would: `echo ORDER | tsx bench/client.ts`. The order (JSON) comes by standard input, for it holds a password.
 *
 * A row is never tried twice: its number is either acknowledged, unknown, or refused for certain. Ends after
 * `maxMs`, or when its standard input ends; then prints what it met as one line of JSON.
 */
import { appendFileSync } from "node:fs";
import { createConnection, type Connection, type QueryError } from "mysql2";
import { logLine, type Entry } from "./outage";

/** What the clients are told. */
export interface Order {
  /** Distinguishes the rows of this run from those of any other. */
  readonly run: string;
  /** Tried in turn: a Service's address, or those of the pods. */
  readonly hosts: readonly string[];
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** PEM; the server's certificate must be signed by it. */
  readonly ca: string;
  readonly writers: number;
  /** Between two commits of a writer: think time, so that the machine is loaded, not drowned. */
  readonly pauseMs: number;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
  /** The log of answers, JSON lines. */
  readonly log: string;
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
  private stopped = false;
  private readonly errors: Record<string, number> = {};
  private acknowledged = 0;
  private unknown = 0;

  constructor(private readonly order: Order) {}

  stop(): void {
    this.stopped = true;
  }

  async run(): Promise<Met> {
    await this.createTable();
    await Promise.all(Array.from({ length: this.order.writers }, (_, writer) => this.write(writer)));
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
    const { run, statementTimeoutMs } = this.order;
    const insert = `INSERT INTO ${TABLE} (run, writer, seq) VALUES (?, ?, ?)`;
    try {
      await within(statementTimeoutMs, (answer) =>
        connection.query(insert, [run, row.writer, row.seq], answer),
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

  // Before the next row: what was acknowledged is in the file even if this process is killed.
  private note(entry: Entry): void {
    appendFileSync(this.order.log, logLine(entry));
  }

  /** Repeats `work` until it is done; after an error on a new connection, to the next host. */
  private async onConnections(first: number, work: Work): Promise<void> {
    const { hosts } = this.order;
    let state: Progress = "more";
    for (let attempt = first; state === "more" && !this.stopped; attempt++) {
      const connection = this.connection(hosts[attempt % hosts.length] ?? "");
      try {
        await within(this.order.connectTimeoutMs, (answer) => connection.connect(answer));
        while (state === "more" && !this.stopped) state = await work(connection);
      } catch (cause) {
        const code = codeOf(cause);
        this.errors[code] = (this.errors[code] ?? 0) + 1;
        await sleep(RETRY_MS);
      } finally {
        connection.destroy();
      }
    }
  }

  private connection(host: string): Connection {
    const { port, user, password, database, ca } = this.order;
    const connection = createConnection({ host, port, user, password, database, ssl: { ca } });
    connection.on("error", () => undefined); // The callback tells it, too.
    return connection;
  }
}

function codeOf(cause: unknown): string {
  const code = (cause as { code?: unknown }).code;
  return typeof code === "string" ? code : String(cause);
}

function main(): void {
  let text = "";
  process.stdin.setEncoding("utf8");
  process.stdin.on("data", (chunk: string) => {
    const started = text.includes("\n");
    text += chunk;
    if (!started && text.includes("\n")) start(JSON.parse(text) as Order);
  });
}

function start(order: Order): void {
  const writers = new Writers(order);
  const timer = setTimeout(() => writers.stop(), order.maxMs);
  process.stdin.on("end", () => writers.stop());
  process.on("SIGTERM", () => writers.stop());
  writers
    .run()
    .then((met) => {
      clearTimeout(timer);
      process.stdin.destroy();
      console.log(JSON.stringify(met));
    })
    .catch((cause: unknown) => {
      console.error(cause);
      process.exit(1);
    });
}

if (require.main === module) main();
