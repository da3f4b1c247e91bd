import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  containsGtid,
  countGtid,
  filterGtid,
  formatGtidSet,
  lastOf,
  parseGtidSet,
  subtractGtid,
  unionGtid,
  type GtidSet,
} from "./gtid";

const A = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";
const B = "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb";
const canonical = (text: string): string => formatGtidSet(parseGtidSet(text));

describe("text", () => {
  test.each([
    ["", ""],
    [`${A}:1-5`, `${A}:1-5`],
    [`${A.toUpperCase()}:3:1-2,\n${B}:7`, `${A}:1-3,${B}:7`],
    [`${A}:5-9:1-4:11`, `${A}:1-9:11`],
    [`${A}:1-3:tag:1-2:5`, `${A}:1-3,${A}:tag:1-2:5`],
  ])("%s is %s", (text, expected) => expect(canonical(text)).toBe(expected));

  test.each([["nonsense"], [`${A}`], [`${A}:0`], [`${A}:1-x`], [`${A}:99999999999999999999`]])(
    "refuses %s",
    (text) => expect(() => parseGtidSet(text)).toThrow(/not a GTID/),
  );
});

/** A dumb second version: a set of strings. */
const members = (set: GtidSet): Set<string> => {
  const out = new Set<string>();
  for (const [source, list] of set)
    for (const [a, b] of list) for (let n = a; n <= b; n += 1) out.add(`${source}:${n}`);
  return out;
};
const arbitrarySet = fc
  .array(fc.tuple(fc.constantFrom(A, B, `${A}:t`), fc.integer({ min: 1, max: 12 })), { maxLength: 15 })
  .map((list) => parseGtidSet(list.map(([source, n]) => `${source}:${n}`).join(",")));

test("properties against sets of strings", () => {
  fc.assert(
    fc.property(arbitrarySet, arbitrarySet, (a, b) => {
      const [x, y] = [members(a), members(b)];
      expect(members(unionGtid(a, b))).toEqual(new Set([...x, ...y]));
      expect(members(subtractGtid(a, b))).toEqual(new Set([...x].filter((n) => !y.has(n))));
      expect(containsGtid(a, b)).toBe([...y].every((n) => x.has(n)));
      expect(countGtid(a)).toBe(x.size);
      expect(canonical(formatGtidSet(a))).toBe(formatGtidSet(a));
    }),
  );
});

test("filter and last look at the source", () => {
  const set = parseGtidSet(`${A}:1-4:t:9,${B}:3`);
  expect(formatGtidSet(filterGtid(set, (uuid) => uuid === A))).toBe(`${A}:1-4,${A}:t:9`);
  expect(lastOf(set, A)).toBe(4);
  expect(lastOf(set, "cccccccc-cccc-cccc-cccc-cccccccccccc")).toBe(0);
});
