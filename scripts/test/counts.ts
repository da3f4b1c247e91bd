/** Counts of tests from vitest's JSON reports. Pure. */

export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/** What we read of the report of vitest's reporter "json". */
export interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numFailedTestSuites: number;
  readonly numPendingTests?: number;
}

/**
 * The counts of one run. A suite that could not even be loaded has no failed test, an unhandled error none either:
 * the exit code tells, and counts as one. A run without a report, or in which nothing ran, is a failure too.
 */
export function countsOf(report: VitestReport | undefined, exitCode: number): Counts {
  const { numPassedTests: passed = 0, numFailedTests: failed = 0 } = report ?? {};
  const silent = failed === 0 && (exitCode !== 0 || passed === 0);
  return { passed, failed: silent ? 1 : failed };
}

/** The last line of `make test`. */
export function lastLine(all: readonly Counts[]): string {
  const sum = (pick: (counts: Counts) => number): number => all.reduce((total, one) => total + pick(one), 0);
  return `${sum(({ passed }) => passed)} passed, ${sum(({ failed }) => failed)} failed`;
}
