import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { percentiles, type Percentiles } from "./outage";

/** Every command that yields figures writes them to `out/<name>.json` in this one shape. */
export interface Result {
  readonly name: string;
  readonly machine: string;
  /** Of the checkout; "+" at its end: there were changes that no commit holds. */
  readonly commit: string;
  /** Of the pauses and choices of the run; null where nothing was left to chance. */
  readonly seed: number | null;
  readonly rows: readonly Row[];
  /** Acknowledged rows that an instance lacks at the end. */
  readonly lost: number;
  /** Instances whose checksum or GTID set differs from the primary's at the end. */
  readonly divergent: number;
  /** Changes of the term that no fault of the run explains. */
  readonly falseFailovers: number;
  /** Faults that were injected. */
  readonly faults: number;
}

export interface Row extends Percentiles {
  readonly row: string;
  readonly unit: string;
}

const ROOT = join(__dirname, "..");

/** A row of the values measured, rounded to what the unit can bear; absent when nothing was measured. */
export function row(name: string, unit: string, values: readonly number[]): Row[] {
  const found = percentiles(values.map((value) => Math.round(value * 1000) / 1000));
  return found === undefined ? [] : [{ row: name, unit, ...found }];
}

/** Writes out/<name>.json and returns its path from the checkout's root. */
export function writeResult(result: Omit<Result, "machine" | "commit">): string {
  const { name, seed, rows, lost, divergent, falseFailovers, faults } = result;
  const whole: Result = {
    name,
    machine: machine(),
    commit: commit(),
    seed,
    rows,
    lost,
    divergent,
    falseFailovers,
    faults,
  };
  mkdirSync(join(ROOT, "out"), { recursive: true });
  const path = join("out", `${name}.json`);
  writeFileSync(join(ROOT, path), `${JSON.stringify(whole, null, 2)}\n`);
  return path;
}

/** What the figures were measured on. */
export function machine(): string {
  const model = cpus()[0]?.model.trim().replace(/\s+/g, " ") || "unknown CPU";
  const memory = Math.round(totalmem() / 1024 ** 3);
  return `${cpus().length} x ${model}, ${memory} GiB, Linux ${release()}, Node ${process.version}`;
}

/** Of the checkout, short; "+" at its end: there are changes that no commit holds. */
export function commit(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).trim();
    const changed = git("status", "--porcelain", "--untracked-files=no") !== "";
    return `${git("rev-parse", "--short=12", "HEAD")}${changed ? "+" : ""}`;
  } catch {
    return "unknown"; // An exported tree without .git.
  }
}

/** A generator of numbers in [0, 1) from a seed (mulberry32): the same seed gives the same run's choices. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
