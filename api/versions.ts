/** The compatibility table: the MySQL series Porpoise is tested with, oldest first. */

export const KNOWN_SERIES: readonly string[] = ["9.7"];

export interface Version {
  /** "9.7" */
  readonly series: string;
  /** 4 of "9.7.4"; undefined when the user named the series only. */
  readonly patch?: number;
}

/** Reads "9.7" or "9.7.4"; undefined for any other text. */
export function parseVersion(text: string): Version | undefined {
  const match = /^(\d+\.\d+)(?:\.(\d+))?$/.exec(text);
  if (match?.[1] === undefined) return undefined;
  return { series: match[1], ...(match[2] !== undefined && { patch: Number(match[2]) }) };
}

/** Below zero when `a` is the older series. */
export function compareSeries(a: string, b: string): number {
  const [aMajor = 0, aMinor = 0] = a.split(".").map(Number);
  const [bMajor = 0, bMinor = 0] = b.split(".").map(Number);
  return aMajor - bMajor || aMinor - bMinor;
}
