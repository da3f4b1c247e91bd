/**
 * Options that belong to Porpoise: with one of them changed an acknowledged commit could be lost, the fence passed,
 * or the server not found (I1, I5).
 */
import { canonicalOption } from "../../api/options";

/** The list of api.md. */
const API = [
  /^server_id$/,
  /^report_/,
  /^datadir$/,
  /^port$/,
  /^socket$/,
  /^log_bin/,
  /gtid_/,
  /^binlog_format$/,
  /^log_(replica|slave)_updates$/,
  /relay_log/,
  /read_only$/,
  /^offline_mode$/,
  /^rpl_semi_sync_/,
  /^skip_(replica|slave)_start$/,
  /^(replica|slave)_preserve_commit_order$/,
  /^ssl_/,
  /^admin_/,
  /plugin_load/,
  /^init_file$/,
  /^group_replication_/,
];

/** Of the same nature: transactions left out of the log or skipped by a replica, and the frame the agent starts mysqld in. */
const KIN = [
  /^binlog_(do|ignore)_db$/,
  /^binlog_(encryption|error_action)$/,
  /^replicate_/,
  /^(replica|slave)_skip_errors$/,
  /^sql_(replica|slave)_skip_counter$/,
  /^tc_heuristic_recover$/,
  /^(basedir|user|chroot|daemonize|pid_file|plugin_dir|log_error|bind_address|persisted_globals_load|upgrade)$/,
  /^initialize/,
  /^skip_(networking|grant_tables)$/,
  /^networking$/,
  /^grant_tables$/,
];

/** Prefixes mysqld takes before an option (MySQL Reference Manual, "Program Option Modifiers"); they can be stacked. */
const MODIFIER = /^(loose|skip|enable|disable|maximum)_/;

/** Whether the option, in any spelling and behind any prefix, is Porpoise's. */
export function isReserved(key: string): boolean {
  let name = canonicalOption(key);
  for (;;) {
    if ([...API, ...KIN].some((pattern) => pattern.test(name))) return true;
    if (!MODIFIER.test(name)) return false;
    name = name.replace(MODIFIER, "");
  }
}
