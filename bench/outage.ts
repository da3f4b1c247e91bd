/**
 * What a fault cost, as the clients saw it: the log of their commits says it alone, no word of the cluster is
 * needed. An outage is the longest silence: from the last OK before it to the first OK after it.
 */

/** One answered (or unanswered) commit of a writer; `at` in epoch milliseconds. */
export interface Entry {
  readonly writer: number;
  readonly seq: number;
  readonly at: number;
  /** `unknown`: the connection was lost or the time was up, so the row may or may not be there. */
  readonly outcome: "ok" | "unknown";
}

/** A connection of a writer: TCP stands, the server has let it in, or it came to nothing. */
export interface Contact {
  readonly writer: number;
  readonly at: number;
  readonly what: "reached" | "greeted" | "failed";
  /** Of a failure: its code, and how long the attempt or statement took. */
  readonly why?: string;
}

/** Epoch milliseconds: from the fault to the moment when the cluster was whole again. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

export interface Silence {
  readonly lastOkAt: number;
  readonly firstOkAt: number;
  readonly ms: number;
}

/**
 * The longest time without an OK in the window. It starts no earlier than the last OK before the window: a fault
 * that is announced (SIGTERM) is followed by commits of the old primary, and the gap comes after them.
 * Undefined when nothing was acknowledged before or after: then there is no outage to measure, but a failure.
 */
export function longestSilence(entries: readonly Entry[], window: Window): Silence | undefined {
  const times = entries
    .filter(({ outcome, at }) => outcome === "ok" && at <= window.to)
    .map(({ at }) => at)
    .sort((a, b) => a - b);
  const before = times.filter((at) => at <= window.from).length - 1;
  let longest: Silence | undefined;
  for (let i = Math.max(before, 0); i + 1 < times.length; i++) {
    const [lastOkAt = 0, firstOkAt = 0] = [times[i], times[i + 1]];
    const ms = firstOkAt - lastOkAt;
    if (ms > (longest?.ms ?? -1)) longest = { lastOkAt, firstOkAt, ms };
  }
  return before < 0 ? undefined : longest;
}

/** The longest silence of each writer, in milliseconds; a writer that never came back is absent. */
export function silencePerWriter(entries: readonly Entry[], window: Window): number[] {
  return [...byWriter(entries).values()]
    .map((own) => longestSilence(own, window)?.ms)
    .filter((ms) => ms !== undefined);
}

function byWriter(entries: readonly Entry[]): Map<number, Entry[]> {
  const groups = new Map<number, Entry[]>();
  for (const entry of entries) {
    const group = groups.get(entry.writer);
    if (group) group.push(entry);
    else groups.set(entry.writer, [entry]);
  }
  return groups;
}

interface Line {
  readonly w: number;
  readonly t: number;
  readonly s?: number;
  readonly r?: Entry["outcome"];
  readonly c?: Contact["what"];
  readonly e?: string;
}

/** Reads the writers' log, one JSON object a line; a torn last line (the writer still runs) is left out. */
export function parseLog(text: string): Entry[] {
  return parseLines(text).flatMap(({ w, s, t, r }) =>
    s === undefined || r === undefined ? [] : [{ writer: w, seq: s, at: t, outcome: r }],
  );
}

/** The connections in the same log. */
export function parseContacts(text: string): Contact[] {
  return parseLines(text).flatMap(({ w, t, c, e }) =>
    c === undefined ? [] : [{ writer: w, at: t, what: c, why: e }],
  );
}

function parseLines(text: string): Line[] {
  const lines = text.split("\n");
  lines.pop(); // Empty when the last line is whole.
  return lines.map((line) => JSON.parse(line) as Line);
}

/** One line of the log. */
export function logLine({ writer, seq, at, outcome }: Entry): string {
  return `${JSON.stringify({ w: writer, s: seq, t: at, r: outcome })}\n`;
}

/** One line of the log for a connection. */
export function contactLine({ writer, at, what, why }: Contact): string {
  return `${JSON.stringify({ w: writer, t: at, c: what, e: why })}\n`;
}

export interface Percentiles {
  readonly n: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** By nearest rank: every figure is one that was measured. Undefined without values. */
export function percentiles(values: readonly number[]): Percentiles | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = (percent: number): number => sorted[Math.ceil((percent / 100) * sorted.length) - 1] ?? NaN;
  if (sorted.length === 0) return undefined;
  return { n: sorted.length, p50: rank(50), p95: rank(95), p99: rank(99), max: rank(100) };
}
