/**
 * my.cnf, in three parts: defaults, what the user wrote, what is ours. The last wins, so ours comes last. Pure.
 *
 * Each of ours guards an invariant or a measured trap; none may be changed by a user (api.md, reserved options).
 */
import type { MysqlOptions } from "./options";

/** The barrier waits 10^18 ms: larger values risk an overflow in the server (ha-anchors 2.4, measured: read back). */
export const SEMI_SYNC_TIMEOUT = "1000000000000000000";

/** Before the user's part: he may change these. */
const DEFAULTS: Readonly<Record<string, string>> = {
  // Packaged servers name a directory that need not exist here.
  secure_file_priv: "NULL",
  replica_parallel_workers: "4",
  // A name server that does not answer would hold up every reconnect of a failover.
  skip_name_resolve: "ON",
};

export type ConfigInput = Pick<
  MysqlOptions,
  "paths" | "serverId" | "port" | "bindAddress" | "reportHost" | "durability" | "config"
>;

function ours(input: ConfigInput): Readonly<Record<string, string>> {
  const { paths } = input;
  return {
    datadir: paths.datadir,
    socket: paths.socket,
    pid_file: `${paths.run}/mysqld.pid`,
    port: String(input.port),
    bind_address: input.bindAddress,
    server_id: String(input.serverId),
    report_host: input.reportHost,
    report_port: String(input.port),
    mysqlx: "0",
    // Boots closed: only a verb opens (agent.md, Fencing).
    super_read_only: "ON",
    read_only: "ON",
    offline_mode: "ON",
    skip_replica_start: "ON",
    // SET PERSIST would win over this file.
    persisted_globals_load: "OFF",
    gtid_mode: "ON",
    enforce_gtid_consistency: "ON",
    log_bin: "binlog",
    relay_log: "relay",
    binlog_format: "ROW",
    log_replica_updates: "ON",
    // OFF, the receiver passes over what this member wrote in a former life: an emptied or cloned volume would lack
    // it for ever (found with real faults, 9.7.4). GTIDs end every loop.
    replicate_same_server_id: "ON",
    binlog_checksum: "CRC32",
    // ON would throw acknowledged relay logs away (mysql-facts F).
    relay_log_recovery: "OFF",
    replica_preserve_commit_order: "ON",
    replica_net_timeout: "4",
    // Boots durable; `follow` relaxes after it is noted in state.json (Power loss).
    sync_binlog: "1",
    innodb_flush_log_at_trx_commit: "1",
    sync_relay_log: input.durability === "disk" ? "1" : "10000",
    // A table that is not transactional breaks the rewind; a MEMORY table logs its emptying after a restart.
    disabled_storage_engines: "MyISAM,MRG_MYISAM,ARCHIVE,CSV,BLACKHOLE,FEDERATED,MEMORY",
    plugin_load_add: "semisync_source.so;semisync_replica.so;mysql_clone.so",
    // Loose: the run that makes a data directory loads no plugins.
    loose_rpl_semi_sync_source_enabled: "OFF",
    loose_rpl_semi_sync_source_timeout: SEMI_SYNC_TIMEOUT,
    loose_rpl_semi_sync_source_wait_no_replica: "ON",
    loose_rpl_semi_sync_source_wait_point: "AFTER_SYNC",
    loose_rpl_semi_sync_replica_enabled: "OFF",
    ...(paths.serverTls === undefined ? {} : tls(paths.serverTls)),
    ...input.config,
  };
}

function tls(directory: string): Readonly<Record<string, string>> {
  return { ssl_ca: `${directory}/ca.crt`, ssl_cert: `${directory}/tls.crt`, ssl_key: `${directory}/tls.key` };
}

const lines = (options: Readonly<Record<string, string>>): string[] =>
  Object.entries(options).map(([name, value]) => `${name}=${value}`);

/** The whole file. `user` is my.cnf text, with or without section headers. */
export function renderConfig(user: string, input: ConfigInput): string {
  return [
    "# Made by the Porpoise agent at each start of mysqld; changes are lost.",
    "[mysqld]",
    ...lines(DEFAULTS),
    "",
    "# --- the user's",
    "[mysqld]",
    user.trimEnd(),
    "",
    "# --- Porpoise's: last, so that nothing before it wins",
    "[mysqld]",
    ...lines(ours(input)),
    "",
  ].join("\n");
}

/** Arguments of the run that makes a data directory: what guards a server would only stop it. */
export function initialiseArguments(configFile: string, datadir: string, initFile: string): string[] {
  return [
    `--defaults-file=${configFile}`,
    "--initialize-insecure",
    `--datadir=${datadir}`,
    `--init-file=${initFile}`,
    "--disable-log-bin",
    "--super-read-only=OFF",
    "--read-only=OFF",
    "--offline-mode=OFF",
    "--disabled-storage-engines=",
  ];
}
