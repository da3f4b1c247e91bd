import { describe, expect, test } from "vitest";
import type { MySQLClusterSpec } from "../../api/mysqlcluster";
import { formatProblem } from "../../api/problem";
import { validateConfig } from "./config";
import { isReserved } from "./reserved";
import { shop } from "./sample";

const said = (spec: MySQLClusterSpec, before?: MySQLClusterSpec): string[] =>
  validateConfig({ next: shop(spec), ...(before && { previous: shop(before) }), facts: {} }).map(
    formatProblem,
  );
const GI16 = { requests: { memory: "16Gi" }, limits: { memory: "16Gi" } };

test("what users set every day passes", () => {
  const config = {
    max_connections: 800,
    "sort-buffer-size": "2M",
    innodb_buffer_pool_size: "70%",
    slow_query_log: true,
    long_query_time: 0.5,
    sql_mode: "ANSI",
    skip_name_resolve: true,
    loose_thread_pool_size: 8,
  };
  expect(said({ config })).toEqual([]);
});

test.each<[string, MySQLClusterSpec, string]>([
  ["ours", { config: { log_bin: false } }, "spec.config.log_bin: belongs to Porpoise; got OFF. Remove it."],
  [
    "gone",
    { config: { innodb_log_file_size: "1G" } },
    "spec.config.innodb_log_file_size: unknown to MySQL 9.7.4. Use innodb_redo_log_capacity.",
  ],
  [
    "too big",
    { resources: GI16, config: { innodb_buffer_pool_size: "20G" } },
    "spec.config.innodb_buffer_pool_size: exceeds memory 16Gi; got 20G. Set 12G or less.",
  ],
  [
    "too big a share",
    { resources: GI16, config: { innodb_buffer_pool_size: "120%" } },
    "spec.config.innodb_buffer_pool_size: exceeds memory 16Gi; got 120%. Set 12G or less.",
  ],
  [
    "too big for the default",
    { config: { "innodb-buffer-pool-size": 2147483648 } },
    "spec.config.innodb-buffer-pool-size: exceeds memory 1Gi; got 2147483648. Set 768M or less.",
  ],
  [
    "misspelled",
    { config: { max_conections: 5 } },
    "spec.config.max_conections: unknown to MySQL 9.7.4. Use max_connections.",
  ],
  [
    "never heard of",
    { config: { turbo_mode_please: true } },
    "spec.config.turbo_mode_please: unknown to MySQL 9.7.4. Remove it.",
  ],
  [
    "a prefix that is a value",
    { config: { skip_general_log: true } },
    "spec.config.skip_general_log: unknown to MySQL 9.7.4. Use general_log.",
  ],
  [
    "a list",
    { config: { max_connections: [1] as unknown as number } },
    "spec.config.max_connections: must be a string, a number, true or false; got [1]. Write one value.",
  ],
  [
    "a smuggled line",
    { config: { init_connect: "x\noffline_mode=ON" } },
    "spec.config.init_connect: must be one line; got x offline_mode=ON. Remove the line break.",
  ],
  [
    "a smuggled name",
    { config: { "loose_x=1\nserver_id": 3 } },
    "spec.config[loose_x=1\nserver_id]: unknown to MySQL 9.7.4. Remove it.",
  ],
  [
    "a share of a word",
    { config: { sql_mode: "70%" } },
    "spec.config.sql_mode: is not a size: no share of the memory; got 70%. Write the value itself.",
  ],
  [
    "two spellings",
    { config: { max_connections: 1, "max-connections": 2 } },
    "spec.config.max-connections: stands there twice; got max_connections too. Remove one.",
  ],
])("%s", (_, spec, text) => expect(said(spec)).toEqual([text]));

test("lower_case_table_names is for ever", () => {
  const fixed = "spec.config.lower_case_table_names: fixed at creation. Make a new cluster.";
  expect(said({ config: { lower_case_table_names: 1 } })).toEqual([]);
  expect(said({ config: { lower_case_table_names: 1 } }, {})).toEqual([fixed]);
  expect(said({}, { config: { lower_case_table_names: 1 } })).toEqual([fixed]);
  expect(
    said({ config: { lower_case_table_names: "1" } }, { config: { lower_case_table_names: 1 } }),
  ).toEqual([]);
  expect(said({ config: { lower_case_table_names: 0 } }, {})).toEqual([]);
});

describe("reserved, in any spelling (I1, I5)", () => {
  test.each([
    "server_id",
    "server-id",
    "SERVER_ID",
    "loose_server_id",
    "report_host",
    "datadir",
    "port",
    "socket",
    "log_bin",
    "log-bin",
    "skip_log_bin",
    "skip-log-bin",
    "loose-skip-log-bin",
    "disable_log_bin",
    "log_bin_index",
    "gtid_mode",
    "enforce_gtid_consistency",
    "binlog_format",
    "log_replica_updates",
    "log-slave-updates",
    "skip_log_replica_updates",
    "relay_log",
    "relay_log_recovery",
    "sync_relay_log",
    "read_only",
    "super-read-only",
    "innodb_read_only",
    "transaction_read_only",
    "offline_mode",
    "loose-offline-mode",
    "enable_offline_mode",
    "rpl_semi_sync_source_enabled",
    "loose_rpl_semi_sync_replica_enabled",
    "skip_replica_start",
    "skip-slave-start",
    "loose_loose_skip_replica_start",
    "replica_preserve_commit_order",
    "slave_preserve_commit_order",
    "ssl_ca",
    "skip_ssl_ca",
    "admin_address",
    "admin_ssl_ca",
    "plugin_load",
    "plugin-load-add",
    "early_plugin_load",
    "init_file",
    "group_replication_group_name",
    "binlog_do_db",
    "replicate_ignore_db",
    "replica_skip_errors",
    "skip_grant_tables",
    "skip-networking",
    "user",
    "log_error",
  ])("%s", (key) => expect(isReserved(key)).toBe(true));

  test.each([
    "max_connections",
    "report",
    "support_files",
    "sync_binlog",
    "binlog_row_image",
    "session_track_gtids",
    "skip_name_resolve",
    "require_secure_transport",
    "log_error_verbosity",
    "replica_parallel_workers",
  ])("%s is the user's", (key) => expect(isReserved(key)).toBe(false));
});
