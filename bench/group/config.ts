/** A plain mysqld in a pod, and three of them as Group Replication: their files as text. Pure. */

/** What a plain set of pods is called and how its members find each other. */
export interface Place {
  readonly namespace: string;
  readonly name: string;
  readonly members: number;
}

export const PORT = 3306;
export const DATABASE = "app";
export const APP_USER = "app";
/** The measurement's own account: asks the members, sets what differs, rejoins. */
export const ADMIN_USER = "bench";
/** Without a password, so that no key exchange is in the way; only inside the sandbox. */
export const REPL_USER = "repl";

export const memberName = ({ name }: Place, ordinal: number): string => `${name}-${ordinal}`;
export const hostOf = ({ name, namespace }: Place, member: string): string =>
  `${member}.${name}.${namespace}.svc.cluster.local`;

type Settings = Readonly<Record<string, string>>;

/** As the agent has them (agent/mysql/config.ts), with the memory of a default MySQLCluster (1 GiB). */
const COMMON: Settings = {
  datadir: "/data/mysql",
  socket: "/run/mysqld/mysqld.sock",
  pid_file: "/run/mysqld/mysqld.pid",
  port: String(PORT),
  mysqlx: "0",
  secure_file_priv: "NULL",
  gtid_mode: "ON",
  enforce_gtid_consistency: "ON",
  log_bin: "binlog",
  relay_log: "relay",
  log_replica_updates: "ON",
  replica_preserve_commit_order: "ON",
  sync_binlog: "1",
  innodb_flush_log_at_trx_commit: "1",
  innodb_buffer_pool_size: "512M",
  innodb_redo_log_capacity: "256M",
  max_connections: "100",
  temptable_max_ram: "64M",
  ssl_ca: "/secret/ca.crt",
  ssl_cert: "/secret/tls.crt",
  ssl_key: "/secret/tls.key",
};

/** my.cnf of a mysqld that nobody replicates from. */
export const aloneConfig = (): string => myCnf(COMMON);

/** my.cnf of a member; a member that starts takes no writes before the group says so. */
export function groupConfig(place: Place, groupName: string): string {
  const ordinals = Array.from({ length: place.members }, (_, i) => i);
  const seeds = ordinals.map((i) => `${hostOf(place, memberName(place, i))}:${PORT}`).join(",");
  const group: Settings = {
    group_name: groupName,
    start_on_boot: "OFF",
    communication_stack: "MYSQL",
    group_seeds: seeds,
    recovery_get_public_key: "ON",
    exit_state_action: "OFFLINE_MODE",
  };
  const prefixed = Object.entries(group).map(([key, value]) => [`loose_group_replication_${key}`, value]);
  return myCnf({
    ...COMMON,
    read_only: "ON",
    super_read_only: "ON",
    plugin_load_add: "group_replication.so;mysql_clone.so",
    ...(Object.fromEntries(prefixed) as Settings),
  });
}

const myCnf = (settings: Settings): string =>
  ["[mysqld]", ...Object.entries(settings).map(([key, value]) => `${key}=${value}`), ""].join("\n");

/** What differs between the two peers, set in a running group (all of them take effect at once). */
export const FLAVOURS = {
  /** group-facts: the quickest failover that was found. */
  tuned: {
    group_replication_member_expel_timeout: 0,
    group_replication_unreachable_majority_timeout: 10,
    group_replication_autorejoin_tries: 0,
    group_replication_flow_control_mode: "'DISABLED'",
  },
  /** MySQL 9.7's own values. */
  default: {
    group_replication_member_expel_timeout: 5,
    group_replication_unreachable_majority_timeout: 0,
    group_replication_autorejoin_tries: 3,
    group_replication_flow_control_mode: "'QUOTA'",
  },
} as const;
export type Flavour = keyof typeof FLAVOURS;

/** The accounts, made in each data directory by itself, so that no member has a transaction the others lack. */
export function initSql(adminPassword: string): string {
  const grants = "REPLICATION SLAVE, CONNECTION_ADMIN, BACKUP_ADMIN, GROUP_REPLICATION_STREAM";
  return [
    `CREATE USER ${ADMIN_USER}@'%' IDENTIFIED BY '${adminPassword}';`,
    `GRANT ALL ON *.* TO ${ADMIN_USER}@'%' WITH GRANT OPTION;`,
    `CREATE USER ${REPL_USER}@'%' IDENTIFIED BY '';`,
    `GRANT ${grants} ON *.* TO ${REPL_USER}@'%';`,
    "",
  ].join("\n");
}

/** What the application finds; through the group, once it stands. */
export const appSql = (password: string): string[] => [
  `CREATE DATABASE IF NOT EXISTS ${DATABASE}`,
  `CREATE USER IF NOT EXISTS ${APP_USER}@'%' IDENTIFIED BY '${password}'`,
  `GRANT ALL ON ${DATABASE}.* TO ${APP_USER}@'%'`,
];

/**
 * The container's command. A dead mysqld is started again at once, without kubelet's growing pauses: what the agent's
 * supervisor does for ours, given to the peers as well.
 */
export function startScript(place: Place, { group }: { readonly group: boolean }): string {
  const host = `$HOSTNAME.${place.name}.${place.namespace}.svc.cluster.local`;
  const address = group ? ` --loose-group-replication-local-address=${host}:${PORT}` : "";
  return `#!/bin/bash
stopping=
trap 'stopping=1; kill -TERM "$child" 2>/dev/null' TERM
if [ ! -d /data/mysql ]; then
  rm -rf /data/new
  mysqld --no-defaults --initialize-insecure --datadir=/data/new --init-file=/secret/init.sql --disable-log-bin || exit 1
  mv /data/new /data/mysql
fi
while [ -z "$stopping" ]; do
  rm -f /run/mysqld/mysqld.sock*
  mysqld --defaults-file=/config/my.cnf --server-id=$(( \${HOSTNAME##*-} + 1 )) --report-host=${host}${address} &
  child=$!
  while kill -0 "$child" 2>/dev/null; do wait "$child"; done
done
`;
}
