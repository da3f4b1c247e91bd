/** Which versions of MySQL may follow which. */
import { withDefaults } from "../../api/mysqlcluster";
import { refuse, type Problem } from "../../api/problem";
import { KNOWN_SERIES, compareSeries, parseVersion } from "../../api/versions";
import { isAllowed } from "./allow";
import type { Change } from "./rule";

const PATH = ["spec", "version"];

/**
 * A version must be in the compatibility table, and data that a newer series has opened is never opened by an older
 * one: mysqld refuses it (MySQL 9.7 Reference Manual, "Downgrading MySQL"). Within an LTS series it may be tried:
 * `porpoise.dev/allow: downgrade`.
 */
export function validateVersion({ next, previous }: Change): Problem[] {
  const version = withDefaults(next.spec).version;
  const before = previous && withDefaults(previous.spec).version;
  if (before !== undefined && before !== version && goesBack(before, version, isAllowed(next, "downgrade"))) {
    const remedy = `Restore ${article(version)} ${version} backup.`;
    return [refuse(PATH, "cannot go back", { got: `${before} -> ${version}`, remedy })];
  }
  if (KNOWN_SERIES.includes(parseVersion(version)?.series ?? "")) return [];
  return [refuse(PATH, "not known", { got: version, remedy: `Known: ${KNOWN_SERIES.join(", ")}.` })];
}

function goesBack(before: string, version: string, downgradeAllowed: boolean): boolean {
  const [old, wanted] = [parseVersion(before), parseVersion(version)];
  if (old === undefined || wanted === undefined) return false;
  const order = compareSeries(wanted.series, old.series);
  if (order !== 0) return order < 0;
  if (old.patch === undefined || wanted.patch === undefined) return false;
  return wanted.patch < old.patch && !downgradeAllowed;
}

const article = (version: string): string => (/^(8|11|18)/.test(version) ? "an" : "a");
