import fc from "fast-check";
import { expect, test } from "vitest";
import { formatDuration, parseDurationMs } from "./duration";

test.each([
  ["150ms", 150],
  ["10s", 10_000],
  ["5m", 300_000],
  ["1h", 3_600_000],
  ["14d", 1_209_600_000],
])("%s is %i ms", (text, expected) => expect(parseDurationMs(text)).toBe(expected));

test.each([[""], ["10"], ["1.5s"], ["-1s"], ["1h30m"], ["1w"]])("refuses %s", (text) =>
  expect(() => parseDurationMs(text)).toThrow(/not a duration/),
);

test("what is formatted reads back", () => {
  fc.assert(
    fc.property(fc.nat(), (n) => {
      expect(parseDurationMs(formatDuration(n))).toBe(n);
    }),
  );
  expect([1500, 60_000, 0, -5].map(formatDuration)).toEqual(["1500ms", "1m", "0s", "0s"]);
});
