/** The clients of an incident: writers of unique ids, and those whose history is checked. */
import type { ResultSetHeader, RowDataPacket } from "mysql2/promise";
import type { Random } from "./plan";
import type { Cluster } from "./cluster";
import { pause } from "./command";
import { hadNoEffect, Line, type Route } from "./endpoint";
import type { Operation } from "./history";

export const TABLES = [
  "CREATE TABLE IF NOT EXISTS app.ids (incident INT, writer INT, seq INT, server INT, PRIMARY KEY (incident, writer, seq))",
  "CREATE TABLE IF NOT EXISTS app.registers (k INT PRIMARY KEY, v VARCHAR(40) NOT NULL)",
  "CREATE TABLE IF NOT EXISTS app.lists (k INT PRIMARY KEY, v TEXT NOT NULL)",
];

/** Keys of an incident are its number times this and up: no two incidents share a key. */
export const KEYS = 1_000;
const REGISTERS = 2;
/** A list that grows for ever makes every later check dearer. */
const APPENDS_MAX = 80;
/** As a hasty application would have it. */
const STATEMENT_MS = 2_000;

const nowNs = (): number => Math.round(performance.now() * 1_000_000);
const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Does one thing after the other until it is stopped. */
abstract class Client {
  /** Message → how often. */
  readonly errors = new Map<string, number>();
  protected readonly line: Line;
  private running = true;
  private readonly done: Promise<void>;

  constructor(
    cluster: Cluster,
    route: Route,
    private readonly pauseMs: number,
  ) {
    this.line = new Line(cluster, route);
    // The fields of the class below exist only after this constructor.
    this.done = Promise.resolve().then(() => this.loop());
  }

  async stop(): Promise<void> {
    this.running = false;
    await this.done;
    this.line.drop();
  }

  protected abstract once(): Promise<void>;

  private async loop(): Promise<void> {
    while (this.running) {
      try {
        await this.once();
        await pause(this.pauseMs);
      } catch (error) {
        const text = errorText(error);
        this.errors.set(text, (this.errors.get(text) ?? 0) + 1);
        this.line.drop();
        await pause(10);
      }
    }
  }
}

/** Writes ids, each once. */
export class Writer extends Client {
  /** Of the ids acknowledged. */
  readonly acknowledged: number[] = [];
  /** Monotonic ms of each, in order. */
  readonly times: number[] = [];
  unknown = 0;
  private seq = 0;

  constructor(
    cluster: Cluster,
    private readonly of: { readonly incident: number; readonly writer: number; readonly route: Route },
  ) {
    super(cluster, of.route, 8);
  }

  protected async once(): Promise<void> {
    const connection = await this.line.open();
    const seq = ++this.seq;
    const sql = "INSERT INTO app.ids VALUES (?, ?, ?, @@server_id)";
    try {
      await connection.query({ sql, values: [this.of.incident, this.of.writer, seq], timeout: STATEMENT_MS });
      this.acknowledged.push(seq);
      this.times.push(performance.now());
    } catch (error) {
      if (!hadNoEffect(error)) this.unknown++;
      throw error;
    }
  }
}

interface Recorder {
  readonly incident: number;
  readonly client: number;
  readonly route: Route;
  readonly random: Random;
  readonly history: Operation[];
}

type Asked = Pick<Operation, "object" | "key" | "kind" | "value" | "expected">;
type Told = Pick<Operation, "value" | "found">;

/** A client that notes what it asked, when, and what it was told. */
abstract class Recording extends Client {
  constructor(
    cluster: Cluster,
    protected readonly by: Recorder,
  ) {
    super(cluster, by.route, 15);
  }

  /** `tell` gets the answer's part of the operation. What certainly had no effect leaves no trace. */
  protected async record(
    asked: Asked,
    sql: string,
    values: readonly unknown[],
    tell: (answer: unknown) => Told,
  ): Promise<void> {
    const connection = await this.line.open();
    const base = { found: false, ...asked, client: this.by.client, call: nowNs() };
    try {
      const [answer] = await connection.query({ sql, values: [...values], timeout: STATEMENT_MS });
      this.by.history.push({ ...base, ...tell(answer), unknown: false, return: nowNs() });
    } catch (error) {
      if (!hadNoEffect(error)) this.by.history.push({ ...base, unknown: true, return: 0 });
      throw error;
    }
  }

  protected fresh(): string {
    return `${this.by.client}.${++this.count}`;
  }
  private count = 0;
}

const firstValue = (answer: unknown): string => String((answer as RowDataPacket[])[0]?.["v"] ?? "");

/** Reads, writes and compare-and-swaps a few registers. A register never written holds "". */
export class RegisterClient extends Recording {
  private last = "";

  protected async once(): Promise<void> {
    const { random, incident } = this.by;
    const key = incident * KEYS + Math.floor(random() * REGISTERS);
    const object = "register";
    const choice = random();
    if (choice < 0.5) {
      const asked: Asked = { object, key, kind: "read", value: "", expected: "" };
      return this.record(asked, "SELECT v FROM app.registers WHERE k = ?", [key], (answer) => {
        this.last = firstValue(answer);
        return { value: this.last, found: false };
      });
    }
    const value = this.fresh();
    if (choice < 0.85 || this.last === "") {
      const sql = "INSERT INTO app.registers VALUES (?, ?) ON DUPLICATE KEY UPDATE v = VALUES(v)";
      return this.record({ object, key, kind: "write", value, expected: "" }, sql, [key, value], () => ({
        value,
        found: false,
      }));
    }
    const expected = this.last;
    const sql = "UPDATE app.registers SET v = ? WHERE k = ? AND v = ?";
    return this.record(
      { object, key, kind: "cas", value, expected },
      sql,
      [value, key, expected],
      (answer) => ({
        value,
        found: (answer as ResultSetHeader).affectedRows === 1,
      }),
    );
  }
}

/** Appends to a list and reads it whole. */
export class ListClient extends Recording {
  private appended = 0;

  protected async once(): Promise<void> {
    const { random, incident, client } = this.by;
    const key = incident * KEYS + 100 + Math.floor(this.appended / APPENDS_MAX);
    const object = "list";
    if (random() < 0.5) {
      const asked: Asked = { object, key, kind: "read", value: "", expected: "" };
      const tell = (answer: unknown): Told => ({ value: firstValue(answer), found: false });
      return this.record(asked, "SELECT v FROM app.lists WHERE k = ?", [key], tell);
    }
    this.appended++;
    const value = `${client}:${this.appended}`;
    const sql = "INSERT INTO app.lists VALUES (?, ?) ON DUPLICATE KEY UPDATE v = CONCAT(v, ',', VALUES(v))";
    return this.record({ object, key, kind: "append", value, expected: "" }, sql, [key, value], () => ({
      value,
      found: false,
    }));
  }
}

/** All clients of an incident. */
export class Crowd {
  readonly history: Operation[] = [];
  readonly writers: readonly Writer[];
  private readonly recording: readonly Recording[];

  constructor(cluster: Cluster, incident: number, random: Random) {
    const route = (at: number): Route => (at % 2 === 0 ? "agents" : "published");
    this.writers = [0, 1, 2, 3].map(
      (writer) => new Writer(cluster, { incident, writer, route: route(writer) }),
    );
    const by = (client: number): Recorder => ({
      incident,
      client,
      route: route(client),
      random,
      history: this.history,
    });
    this.recording = [
      ...[1, 2, 3].map((client) => new RegisterClient(cluster, by(client))),
      ...[4, 5].map((client) => new ListClient(cluster, by(client))),
    ];
  }

  get acknowledged(): number {
    return this.writers.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);
  }

  /** Monotonic ms of every acknowledged write, in order. */
  times(): number[] {
    return this.writers.flatMap(({ times }) => times).sort((a, b) => a - b);
  }

  errors(): Record<string, number> {
    const all: Record<string, number> = {};
    for (const { errors } of [...this.writers, ...this.recording])
      for (const [text, count] of errors) all[text] = (all[text] ?? 0) + count;
    return all;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.writers, ...this.recording].map((client) => client.stop()));
  }
}
