/** The raw figures: a line of JSON per incident, written at once, so that a run that was stopped goes on later. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { pairKey, type Pair } from "./rows";
import type { Split } from "./phases";

/** One incident. */
export interface Raw extends Pair {
  /** RFC 3339, of the strike. */
  readonly at: string;
  readonly commit: string;
  /** Last OK before to first OK after, of all clients together; absent when the trial failed. */
  readonly outageMs?: number;
  /** The longest silence of a single client. */
  readonly worstWriterMs?: number;
  /** From the strike until the former primary was in quorum again. */
  readonly backMs?: number;
  /** From the beginning of the trial to its end: what an incident costs the person who waits. */
  readonly cycleMs: number;
  readonly phasesMs?: Split;
  readonly acknowledged: number;
  /** Acknowledged rows that a member lacks. */
  readonly lost: number;
  readonly divergent: number;
  /** Elections that the fault does not explain. */
  readonly falseFailovers: number;
  /** Why there is no figure. */
  readonly failed?: string;
}

/** The raw file. Without `resume` a former one is put aside, not deleted. */
export class RawFile {
  private readonly lines: Raw[];

  constructor(
    private readonly path: string,
    { resume }: { readonly resume: boolean },
  ) {
    mkdirSync(dirname(path), { recursive: true });
    if (!resume && existsSync(path))
      renameSync(path, `${path}.${new Date().toISOString().replace(/\W/g, "")}`);
    this.lines = existsSync(path) ? parseRaw(readFileSync(path, "utf8")) : [];
  }

  all(): readonly Raw[] {
    return this.lines;
  }

  /** How many incidents of a row gave a figure. */
  count(pair: Pair): number {
    return this.lines.filter((one) => pairKey(one) === pairKey(pair) && one.outageMs !== undefined).length;
  }

  /** How many trials of a row in a row failed at the end. */
  failuresInARow(pair: Pair): number {
    const own = this.lines.filter((one) => pairKey(one) === pairKey(pair)).reverse();
    const good = own.findIndex(({ outageMs }) => outageMs !== undefined);
    return good < 0 ? own.length : good;
  }

  add(raw: Raw): void {
    this.lines.push(raw);
    appendFileSync(this.path, `${JSON.stringify(raw)}\n`);
  }
}

/** A torn last line, of a run that was killed, is left out. */
export function parseRaw(text: string): Raw[] {
  return text.split("\n").flatMap((line) => {
    try {
      return line === "" ? [] : [JSON.parse(line) as Raw];
    } catch {
      return [];
    }
  });
}
