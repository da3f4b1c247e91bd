/** Statements as text. Pure; each is held by a golden test. */
import { escape } from "mysql2";
import type { Account, Secrets } from "./options";
import { SEMI_SYNC_TIMEOUT } from "./config";

/** Reaches every member over TLS and passes `offline_mode` (agent.md, Promotion). */
export function replicationAccount({ system, replication }: Secrets): Account {
  return replication ?? { username: "porpoise_repl", password: system.password };
}
const account = (name: string, host: string): string => `${escape(name)}@${escape(host)}`;

/**
 * Run by mysqld while it makes the data directory, without binary log: equal on every member and without a GTID,
 * so that members can be joined without a clone. One statement a line (init files know no others).
 */
export function firstBoot(secrets: Secrets): string[] {
  const { system } = secrets;
  const repl = replicationAccount(secrets);
  const agent = account(system.username, "localhost");
  const replication = account(repl.username, "%");
  return [
    "SET sql_log_bin=0",
    `CREATE USER ${agent} IDENTIFIED BY ${escape(system.password)}`,
    `GRANT ALL ON *.* TO ${agent} WITH GRANT OPTION`,
    `CREATE USER ${replication} IDENTIFIED BY ${escape(repl.password)} REQUIRE SSL`,
    `GRANT REPLICATION SLAVE, BACKUP_ADMIN, CONNECTION_ADMIN ON *.* TO ${replication}`,
    "DROP USER 'root'@'localhost'",
    "CREATE DATABASE porpoise",
    "CREATE TABLE porpoise.term (id TINYINT UNSIGNED NOT NULL PRIMARY KEY, term BIGINT UNSIGNED NOT NULL, member VARCHAR(80) NOT NULL, at TIMESTAMP(3) NOT NULL) ENGINE=InnoDB",
    "CREATE TABLE porpoise.nudge (slot TINYINT UNSIGNED NOT NULL PRIMARY KEY, n BIGINT UNSIGNED NOT NULL) ENGINE=InnoDB",
    "CREATE TABLE porpoise.account (name VARCHAR(96) NOT NULL PRIMARY KEY, salt CHAR(32) NOT NULL, digest CHAR(64) NOT NULL) ENGINE=InnoDB",
  ];
}

/** The barrier: the first transaction of a term (agent.md). */
export function barrier(term: number, member: string): string {
  const row = `1, ${term}, ${escape(member)}, NOW(3)`;
  return `REPLACE INTO porpoise.term (id, term, member, at) VALUES (${row})`;
}

/** An account of the replication's name for one address, which nobody can use: the more specific host wins over '%'. */
export function excludeAddress({ username, password }: Account, address: string, member: string): string {
  const who = account(username, address);
  const how = `IDENTIFIED BY ${escape(password)} REQUIRE SSL ACCOUNT LOCK COMMENT ${escape(member)}`;
  return `CREATE USER IF NOT EXISTS ${who} ${how}`;
}
export const excludedAddresses = (username: string, member: string): string =>
  `SELECT host host FROM information_schema.user_attributes WHERE user = ${escape(username)} AND attribute->>'$.comment' = ${escape(member)}`;
/** All that are shut out, whomever it was for. */
export const lockedAddresses = (username: string): string =>
  `SELECT host host FROM mysql.user WHERE user = ${escape(username)} AND host <> '%' AND account_locked = 'Y'`;
export const readmitAddress = (username: string, address: string): string =>
  `DROP USER IF EXISTS ${account(username, address)}`;

/** Slots have rows of their own: a nudge never waits for another's row lock. */
export function nudge(slot: number): string {
  return `INSERT INTO porpoise.nudge (slot, n) VALUES (${slot}, 1) ON DUPLICATE KEY UPDATE n = n + 1`;
}

export interface Source {
  readonly host: string;
  readonly port: number;
  /** Directory with tls.crt, tls.key, ca.crt; undefined = without TLS. */
  readonly tls?: string;
  /** The own address to connect from: an exclusion knows a member by it. undefined = as the kernel chooses. */
  readonly bind?: string;
  /** Only for a channel that has none yet: with the applier running it is refused (ER 3081, mysql-facts C). */
  readonly autoPosition: boolean;
  /** Only with auto-position. */
  readonly delayMs?: number;
}

/** Names the source anew. Never run with both threads stopped and something left to apply (agent.md, Re-point). */
export function changeSource({ host, port, tls, bind, autoPosition, delayMs = 0 }: Source): string {
  return [
    `CHANGE REPLICATION SOURCE TO SOURCE_HOST=${escape(host)}, SOURCE_PORT=${port}`,
    `SOURCE_BIND=${escape(bind ?? "")}`,
    "SOURCE_CONNECT_RETRY=1, SOURCE_RETRY_COUNT=4294967295, SOURCE_HEARTBEAT_PERIOD=1",
    tls === undefined
      ? "SOURCE_SSL=0, GET_SOURCE_PUBLIC_KEY=1"
      : `SOURCE_SSL=1, SOURCE_SSL_CA='${tls}/ca.crt', SOURCE_SSL_CERT='${tls}/tls.crt', SOURCE_SSL_KEY='${tls}/tls.key', SOURCE_SSL_VERIFY_SERVER_CERT=1`,
    ...(autoPosition && delayMs > 0 ? [`SOURCE_DELAY=${delaySeconds(delayMs)}`] : []),
    ...(autoPosition ? ["SOURCE_AUTO_POSITION=1"] : []),
  ].join(", ");
}

/** What MySQL takes as a delay. */
export const delaySeconds = (ms: number): number => Math.ceil(ms / 1_000);

/** The password is given at the start: it is kept in memory only, not in a table. */
export function startReceiver({ username, password }: Account): string {
  return `START REPLICA IO_THREAD USER=${escape(username)} PASSWORD=${escape(password)}`;
}

/** Semi-sync with k acknowledgements, before the switch itself (I5). */
export function semiSync(k: number): string[] {
  return [
    `SET GLOBAL rpl_semi_sync_source_wait_for_replica_count=${k}`,
    `SET GLOBAL rpl_semi_sync_source_timeout=${SEMI_SYNC_TIMEOUT}`,
    "SET GLOBAL rpl_semi_sync_source_wait_no_replica=ON",
    "SET GLOBAL rpl_semi_sync_source_wait_point=AFTER_SYNC",
    "SET GLOBAL rpl_semi_sync_source_enabled=ON",
  ];
}

export const READ_SEMI_SYNC =
  "SELECT @@global.rpl_semi_sync_source_enabled enabled, @@global.rpl_semi_sync_source_wait_for_replica_count k, CAST(@@global.rpl_semi_sync_source_timeout AS CHAR) timeout, @@global.rpl_semi_sync_source_wait_no_replica waitNoReplica, @@global.rpl_semi_sync_source_wait_point waitPoint, @@global.sync_binlog syncBinlog, @@global.innodb_flush_log_at_trx_commit flushLog";

/** What was read back against what I5 asks; the list of what is wrong. */
export function semiSyncProblems(row: Readonly<Record<string, unknown>>, k: number): string[] {
  const wanted: Record<string, string> = { syncBinlog: "1", flushLog: "1", enabled: k > 0 ? "1" : "0" };
  if (k > 0)
    Object.assign(wanted, {
      k: String(k),
      timeout: SEMI_SYNC_TIMEOUT,
      waitNoReplica: "1",
      waitPoint: "AFTER_SYNC",
    });
  return Object.entries(wanted)
    .filter(([name, value]) => String(row[name]) !== value)
    .map(([name, value]) => `${name} is ${String(row[name])}, not ${value}`);
}

/** Lazy flushes of a replica: 0.4 s instead of 1.7 s of drain under load (mysql-facts C). */
export const RELAXED = ["SET GLOBAL sync_binlog=0", "SET GLOBAL innodb_flush_log_at_trx_commit=2"];
export const DURABLE = ["SET GLOBAL sync_binlog=1", "SET GLOBAL innodb_flush_log_at_trx_commit=1"];

/**
 * An administrator's privileges, without those that pass the fence or unmake semi-sync (api.md, refused
 * privileges). Dynamic ones the server does not know are left out by the caller.
 */
export const ROOT_PRIVILEGES =
  "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER, CREATE TABLESPACE, CREATE ROLE, DROP ROLE";
export const ROOT_DYNAMIC =
  "APPLICATION_PASSWORD_ADMIN, BACKUP_ADMIN, FLUSH_OPTIMIZER_COSTS, FLUSH_STATUS, FLUSH_TABLES, FLUSH_USER_RESOURCES, PASSWORDLESS_USER_ADMIN, RESOURCE_GROUP_ADMIN, RESOURCE_GROUP_USER, ROLE_ADMIN, SHOW_ROUTINE, TABLE_ENCRYPTION_ADMIN, XA_RECOVER_ADMIN";

/** The administrator; logged, so that every member has it. */
export function rootAccount(root: Account, hosts: readonly string[]): string[] {
  return hosts.flatMap((host) => {
    const who = account(root.username, host);
    return [
      ...createOrAlter(who, root.password),
      `GRANT ${ROOT_PRIVILEGES} ON *.* TO ${who} WITH GRANT OPTION`,
      `GRANT ${ROOT_DYNAMIC} ON *.* TO ${who} WITH GRANT OPTION`,
    ];
  });
}

/** The application's database and its owner. */
export function appAccount(app: Account & { readonly database: string }): string[] {
  const database = `\`${app.database.replaceAll("`", "``")}\``;
  const pattern = `\`${app.database.replaceAll("`", "``").replace(/([_%\\])/g, "\\$1")}\``;
  const who = account(app.username, "%");
  return [
    `CREATE DATABASE IF NOT EXISTS ${database}`,
    ...createOrAlter(who, app.password),
    `GRANT ALL ON ${pattern}.* TO ${who}`,
  ];
}

function createOrAlter(who: string, password: string): string[] {
  const identified = `IDENTIFIED BY ${escape(password)}`;
  return [`CREATE USER IF NOT EXISTS ${who} ${identified}`, `ALTER USER ${who} ${identified}`];
}

/** Options of which an OK, the fence or the identity depends: never set online, whoever asks (api.md, reserved). */
const RESERVED =
  /^(server_id|report_|datadir|port|socket|log_bin|binlog_format|log_replica_updates|sync_binlog|innodb_flush_log_at_trx_commit|offline_mode|rpl_semi_sync_|skip_replica_start|replica_preserve_commit_order|ssl_|admin_|plugin_load|init_file|disabled_storage_engines|persisted_)|gtid|relay_log|read_only/;

/** Options MySQL takes online, as statements; what is reserved or no option's name is left out. */
export function setGlobals(config: Readonly<Record<string, string>>): string[] {
  return Object.entries(config)
    .map(
      ([name, value]) =>
        [
          name
            .toLowerCase()
            .replaceAll("-", "_")
            .replace(/^loose_/, ""),
          value,
        ] as const,
    )
    .filter(([name]) => /^[a-z][a-z0-9_.]*$/.test(name) && !RESERVED.test(name))
    .map(([name, value]) => `SET GLOBAL ${name}=${/^-?\d+(\.\d+)?$/.test(value) ? value : escape(value)}`);
}

/** Connection ids of the applier's workers; killing one rolls back what it applies. */
export const APPLIER_WORKERS = `SELECT t.processlist_id id
  FROM performance_schema.replication_applier_status_by_worker w
  JOIN performance_schema.threads t ON t.thread_id = w.thread_id
  WHERE t.processlist_id IS NOT NULL`;
