/** What clients asked and were told, and the checker of it (checker/main.go: porcupine). */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { CACHE } from "../process/rootfs";

/** One operation; the words are those of checker/main.go. */
export interface Operation {
  readonly client: number;
  readonly object: "register" | "list";
  readonly key: number;
  readonly kind: "read" | "write" | "cas" | "append";
  /** Written or appended; of a read: what it returned. */
  readonly value: string;
  readonly expected: string;
  readonly found: boolean;
  /** Nobody was told what became of it. */
  readonly unknown: boolean;
  /** ns of one monotonic clock. */
  readonly call: number;
  readonly return: number;
}

export interface Judgement {
  readonly result: "ok" | "illegal" | "unknown";
  readonly operations: number;
  readonly unknown: number;
  /** Objects that no single copy of the data explains; null = none. */
  readonly illegal: readonly string[] | null;
  readonly undecided: readonly string[] | null;
}

const SOURCES = join(__dirname, "checker");

/** The checker's program in the cache, built when it is not there. @throws when it does not build. */
export async function buildChecker(): Promise<string> {
  const sources = readdirSync(SOURCES).filter((name) => /\.(go|mod|sum)$/.test(name));
  const text = sources.map((name) => readFileSync(join(SOURCES, name), "utf8")).join("\0");
  const program = join(
    CACHE,
    `history-checker-${createHash("sha256").update(text).digest("hex").slice(0, 12)}`,
  );
  if (existsSync(program)) return program;
  mkdirSync(CACHE, { recursive: true });
  const partial = `${program}.${process.pid}`;
  const { code, errors } = await run("go", ["build", "-o", partial, "."], { cwd: SOURCES });
  if (code !== 0) throw new Error(`go build in ${SOURCES}: ${errors}`);
  renameSync(partial, program);
  return program;
}

/** Whether one copy of the data, answering one operation after the other, could have given this history. */
export async function checkHistory(
  program: string,
  history: readonly Operation[],
  /** Where to draw what is wrong. */
  pictures?: string,
): Promise<Judgement> {
  const input = history.map((operation) => `${JSON.stringify(operation)}\n`).join("");
  const { code, output, errors } = await run(program, pictures === undefined ? [] : [pictures], { input });
  if (code !== 0) throw new Error(`the checker of histories: ${errors || output}`);
  return JSON.parse(output) as Judgement;
}

interface Ran {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

function run(
  program: string,
  args: readonly string[],
  { input = "", cwd }: { input?: string; cwd?: string },
): Promise<Ran> {
  return new Promise((done, failed) => {
    const child = spawn(program, [...args], { cwd, stdio: ["pipe", "pipe", "pipe"] });
    let [output, errors] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
    child.stdin.on("error", () => undefined); // Told by its exit.
    child.once("error", failed);
    child.once("close", (code) => done({ code, output, errors }));
    child.stdin.end(input);
  });
}
