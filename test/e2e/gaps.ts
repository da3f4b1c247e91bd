/** The write gaps that the tests saw, kept until the end of the run and then written to out/e2e.json. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { row, writeResult } from "../../bench/result";
import { OUT } from "../../bench/writers";

// A file, for every test file is a process of its own.
const FILE = join(OUT, "test", "gaps.jsonl");

interface Gap {
  readonly row: string;
  readonly ms: number;
}

/** Notes a figure of a test. */
export function recordGap(name: string, ms: number): void {
  mkdirSync(dirname(FILE), { recursive: true });
  appendFileSync(FILE, `${JSON.stringify({ row: name, ms } satisfies Gap)}\n`);
}

export const forgetGaps = (): void => rmSync(FILE, { force: true });

/** Writes out/e2e.json. Lost and divergent are 0 here: a test that saw one has failed. */
export function writeGaps(): void {
  if (!existsSync(FILE)) return;
  const gaps = readFileSync(FILE, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Gap);
  const names = [...new Set(gaps.map((gap) => gap.row))];
  const rows = names.flatMap((name) =>
    row(
      name,
      "ms",
      gaps.filter((gap) => gap.row === name).map(({ ms }) => ms),
    ),
  );
  writeResult({
    name: "e2e",
    seed: null,
    rows,
    lost: 0,
    divergent: 0,
    falseFailovers: 0,
    faults: gaps.length,
  });
}
