import { expect, test } from "vitest";
import { countsOf, lastLine } from "./counts";

const report = (numPassedTests: number, numFailedTests: number) => ({
  numPassedTests,
  numFailedTests,
  numFailedTestSuites: 0,
});

test.each([
  { name: "all passed", report: report(7, 0), exit: 0, counts: { passed: 7, failed: 0 } },
  { name: "some failed", report: report(7, 2), exit: 1, counts: { passed: 7, failed: 2 } },
  { name: "a file that does not load", report: report(7, 0), exit: 1, counts: { passed: 7, failed: 1 } },
  { name: "nothing ran", report: report(0, 0), exit: 0, counts: { passed: 0, failed: 1 } },
  { name: "no report: it was killed", report: undefined, exit: 137, counts: { passed: 0, failed: 1 } },
])("$name", ({ report: found, exit, counts }) => expect(countsOf(found, exit)).toEqual(counts));

test("the last line adds up", () => {
  expect(
    lastLine([
      { passed: 7, failed: 0 },
      { passed: 1, failed: 2 },
    ]),
  ).toBe("8 passed, 2 failed");
  expect(lastLine([])).toBe("0 passed, 0 failed");
});
