/**
 * GTID sets as MySQL writes them: `uuid:1-5:7,uuid:tag:1-3`.
 *
 * A set is parsed once into sorted, disjoint, inclusive intervals per source (`uuid` or `uuid:tag`) and is
 * immutable afterwards. Numbers stay below 2^53, far above what a server can write in its life; a larger one
 * is refused rather than rounded.
 * Source of the grammar: MySQL 9.x Reference Manual, "GTID Sets" (tags since 8.3).
 */

/** A GTID set in canonical text, as it travels in messages and lies in `state.json`. */
export type GtidText = string;

type Interval = readonly [first: number, last: number];
export type GtidSet = ReadonlyMap<string, readonly Interval[]>;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TAG = /^[a-z_][a-z0-9_]{0,31}$/;
const INTERVAL = /^(\d+)(?:-(\d+))?$/;

/** The set without members. */
export const EMPTY: GtidSet = new Map();

/**
 * Reads a set as MySQL prints it (line breaks and spaces allowed, any case, any order).
 * @throws Error naming the part that is not a GTID set.
 */
export function parseGtidSet(text: GtidText): GtidSet {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const set = parse(text);
  if (parsed.size >= PARSED_MAX) parsed.clear();
  parsed.set(text, set);
  return set;
}

/** The same few sets are compared again and again; a set is never changed. */
const PARSED_MAX = 64;
const parsed = new Map<GtidText, GtidSet>();

function parse(text: GtidText): GtidSet {
  const sets = new Map<string, Interval[]>();
  for (const part of text.toLowerCase().replace(/\s/g, "").split(",")) {
    if (part === "") continue;
    for (const [source, interval] of parsePart(part)) {
      const list = sets.get(source);
      if (list === undefined) sets.set(source, [interval]);
      else list.push(interval);
    }
  }
  return normalise(sets);
}

function parsePart(part: string): [string, Interval][] {
  const [uuid = "", ...items] = part.split(":");
  if (!UUID.test(uuid) || items.length === 0) throw new Error(`not a GTID set: "${part}"`);
  let source = uuid;
  return items.flatMap((item): [string, Interval][] => {
    if (TAG.test(item)) {
      source = `${uuid}:${item}`;
      return [];
    }
    const match = INTERVAL.exec(item);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (match === null || first < 1 || !Number.isSafeInteger(last))
      throw new Error(`not a GTID interval: "${item}" in "${part}"`);
    return last < first ? [] : [[source, [first, last]]];
  });
}

function normalise(sets: ReadonlyMap<string, readonly Interval[]>): GtidSet {
  const out = new Map<string, readonly Interval[]>();
  for (const [source, list] of [...sets].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const merged = mergeIntervals(list);
    if (merged.length > 0) out.set(source, merged);
  }
  return out;
}

function mergeIntervals(list: readonly Interval[]): Interval[] {
  const out: Interval[] = [];
  for (const [first, last] of [...list].sort((a, b) => a[0] - b[0])) {
    const previous = out.at(-1);
    if (previous !== undefined && first <= previous[1] + 1)
      out[out.length - 1] = [previous[0], Math.max(previous[1], last)];
    else out.push([first, last]);
  }
  return out;
}

/** Canonical text: sources sorted, intervals merged. Equal sets give equal text. */
export function formatGtidSet(set: GtidSet): GtidText {
  return [...set]
    .map(([source, list]) => [source, ...list.map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`))].join(":"))
    .join(",");
}

/** Everything that is in either. */
export function unionGtid(a: GtidSet, b: GtidSet): GtidSet {
  const sets = new Map<string, readonly Interval[]>(a);
  for (const [source, list] of b) sets.set(source, [...(sets.get(source) ?? []), ...list]);
  return normalise(sets);
}

/** What `a` has and `b` lacks. */
export function subtractGtid(a: GtidSet, b: GtidSet): GtidSet {
  const out = new Map<string, readonly Interval[]>();
  for (const [source, list] of a) {
    const rest = list.flatMap((interval) => subtractIntervals(interval, b.get(source) ?? []));
    if (rest.length > 0) out.set(source, rest);
  }
  return out;
}

function subtractIntervals([first, last]: Interval, minus: readonly Interval[]): Interval[] {
  const out: Interval[] = [];
  let from = first;
  for (const [a, b] of minus) {
    if (b < from) continue;
    if (a > last) break;
    if (a > from) out.push([from, a - 1]);
    from = b + 1;
  }
  if (from <= last) out.push([from, last]);
  return out;
}

/** Whether `a` has all that `b` has. */
export function containsGtid(a: GtidSet, b: GtidSet): boolean {
  return subtractGtid(b, a).size === 0;
}

/** The members of the set whose source (uuid, with any tag) satisfies the predicate. */
export function filterGtid(set: GtidSet, keep: (uuid: string) => boolean): GtidSet {
  return new Map([...set].filter(([source]) => keep(source.slice(0, 36))));
}

/** How many transactions the set names. */
export function countGtid(set: GtidSet): number {
  return [...set.values()].flat().reduce((sum, [a, b]) => sum + b - a + 1, 0);
}

/** The highest number the source has in the set; 0 when it has none. */
export function lastOf(set: GtidSet, source: string): number {
  return set.get(source.toLowerCase())?.at(-1)?.[1] ?? 0;
}
