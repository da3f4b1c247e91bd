/** The remedy for an option MySQL does not know. */
import { OPTION_NAMES } from "../../api/options";

/** Options that are gone, by what took their place (MySQL 8.0 to 9.7 release notes; mysql-facts.md, "Gone"). */
const REPLACED: Readonly<Record<string, string>> = {
  innodb_log_file_size: "innodb_redo_log_capacity",
  innodb_log_files_in_group: "innodb_redo_log_capacity",
  expire_logs_days: "binlog_expire_logs_seconds",
  default_authentication_plugin: "authentication_policy",
  tx_isolation: "transaction_isolation",
  tx_read_only: "transaction_read_only",
  skip_host_cache: "host_cache_size",
  max_tmp_tables: "tmp_table_size",
  innodb_file_format: "innodb_default_row_format",
};

/** More letters apart than this is another word. */
const DISTANCE_MAX = 3;

/** "Use x." for what replaced the option or is spelled nearly so; else "Remove it." */
export function suggestion(name: string): string {
  const replacement = REPLACED[name] ?? nearest(name.replace(/^(skip|enable|disable|maximum)_/, ""));
  return replacement === undefined ? "Remove it." : `Use ${replacement}.`;
}

function nearest(name: string): string | undefined {
  let [best, least] = [undefined as string | undefined, DISTANCE_MAX + 1];
  for (const candidate of OPTION_NAMES) {
    if (Math.abs(candidate.length - name.length) >= least) continue;
    const distance = editDistance(name, candidate);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** Levenshtein's distance, row by row. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
