/** Where things lie inside the MySQL pod; the contract between the controller's pod template and the agent. */

export const POD_PATHS = {
  /** emptyDir filled by the init container: node, supervisor.js, agent.js. */
  bin: "/porpoise",
  /** The data volume. */
  data: "/data",
  datadir: "/data/mysql",
  agentState: "/data/agent",
  discarded: "/data/discarded",
  /** emptyDir: sockets, pid files. */
  run: "/run/mysqld",
  mysqlSocket: "/run/mysqld/mysqld.sock",
  /** Unix socket between supervisor and agent. */
  supervisorSocket: "/run/mysqld/supervisor.sock",
  tmp: "/tmp",
  /** ConfigMap `<c>-config`: my.cnf as the controller rendered it (user options; the agent adds its own last). */
  config: "/etc/porpoise/config",
  /** Secret `<c>-tls`: tls.crt, tls.key, ca.crt (mysqld's server certificate). */
  tls: "/etc/porpoise/tls",
  /** Secret `<c>-agent`: tls.crt, tls.key, ca.crt (mutual TLS between agents, and replication). */
  agentTls: "/etc/porpoise/agent-tls",
  /** Secrets, one directory each: system/, root/, app/ with keys username, password (app also database). */
  secrets: "/etc/porpoise/secrets",
} as const;

/** Environment of the container, set by the controller's pod template. */
export const POD_ENV = {
  cluster: "PORPOISE_CLUSTER",
  namespace: "PORPOISE_NAMESPACE",
  instance: "PORPOISE_INSTANCE",
  /** "witness" on the witness: no mysqld is started; absent on all others. */
  role: "PORPOISE_ROLE",
  pod: "PORPOISE_POD",
  podIp: "PORPOISE_POD_IP",
  node: "PORPOISE_NODE",
  /** MySQL server id of the instance: 1 + serverIdBase + ordinal. */
  serverId: "PORPOISE_SERVER_ID",
  /** Memory limit of the container in bytes; sizes the defaults of my.cnf. */
  memory: "PORPOISE_MEMORY_BYTES",
} as const;
