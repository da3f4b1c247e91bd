import fc from "fast-check";
import { expect, test } from "vitest";
import { OPTION_NAMES } from "../../api/options";
import { editDistance, suggestion } from "./suggestion";

test.each([
  ["expire_logs_days", "Use binlog_expire_logs_seconds."],
  ["innodb_bufer_pool_size", "Use innodb_buffer_pool_size."],
  ["query_cache_size", "Remove it."],
])("%s: %s", (name, remedy) => expect(suggestion(name)).toBe(remedy));

test("what is suggested exists", () => {
  fc.assert(
    fc.property(fc.constantFrom(...OPTION_NAMES), fc.nat(40), (name, at) => {
      const typo = name.slice(0, at) + name.slice(at + 1);
      const suggested = suggestion(typo).replace(/^Use (.*)\.$/, "$1");
      expect(OPTION_NAMES).toContain(suggested);
      expect(editDistance(typo, suggested)).toBeLessThanOrEqual(1);
    }),
    { numRuns: 30 },
  );
});

test("the distance is symmetric and zero only for equal words", () => {
  expect(editDistance("kitten", "sitting")).toBe(3);
  fc.assert(
    fc.property(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), (a, b) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, b) === 0).toBe(a === b);
    }),
  );
});
