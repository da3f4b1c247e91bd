/**
 * Where the agent is: its names, paths and ports. The controller's pod template sets POD_ENV; every path and port
 * can be overridden, so that the same agent runs outside a pod (process tests, several on one machine).
 */
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { AGENT_PORT, HEALTH_PORT, MYSQL_PORT } from "../api/agent";
import { instanceHost, names } from "../api/names";
import { POD_ENV, POD_PATHS } from "../api/paths";

/** Overrides of POD_PATHS and ports; none of them is set in a pod. */
export const LOCAL_ENV = {
  data: "PORPOISE_DATA",
  run: "PORPOISE_RUN",
  config: "PORPOISE_CONFIG",
  tls: "PORPOISE_TLS",
  agentTls: "PORPOISE_AGENT_TLS",
  secrets: "PORPOISE_SECRETS",
  supervisorSocket: "PORPOISE_SUPERVISOR_SOCKET",
  /** Address that the two servers listen on; all addresses when absent. */
  listen: "PORPOISE_LISTEN",
  agentPort: "PORPOISE_AGENT_PORT",
  healthPort: "PORPOISE_HEALTH_PORT",
  mysqlPort: "PORPOISE_MYSQL_PORT",
  /** JSON, instance name → address; replaces the pods' DNS names. */
  hosts: "PORPOISE_HOSTS",
  /** Directory for the file publisher; absent = publish to Kubernetes. */
  publishDir: "PORPOISE_PUBLISH_DIR",
  /** Milliseconds after which a message to a peer is given up; default 500: agents stall for 100-300 ms on a starved machine. */
  peerTimeoutMs: "PORPOISE_PEER_TIMEOUT_MS",
  logLevel: "PORPOISE_LOG_LEVEL",
  /** JSON array: program and leading arguments of mysqld; default ["mysqld"]. */
  mysqld: "PORPOISE_MYSQLD",
  /** process or disk (spec.failover.durability); default process. */
  durability: "PORPOISE_DURABILITY",
} as const;

export interface AgentPaths {
  readonly data: string;
  readonly datadir: string;
  readonly agentState: string;
  readonly discarded: string;
  readonly run: string;
  readonly mysqlSocket: string;
  readonly supervisorSocket: string;
  readonly config: string;
  readonly tls: string;
  readonly agentTls: string;
  readonly secrets: string;
}

export interface AgentEnv {
  readonly cluster: string;
  readonly namespace: string;
  readonly instance: string;
  readonly pod: string;
  readonly podIp: string;
  readonly node?: string;
  readonly serverId: number;
  /** Memory limit in bytes; undefined = no limit known. */
  readonly memoryBytes?: number;
  readonly paths: AgentPaths;
  readonly listen?: string;
  readonly agentPort: number;
  readonly healthPort: number;
  readonly mysqlPort: number;
  readonly hosts: Readonly<Record<string, string>>;
  readonly publishDir?: string;
  readonly peerTimeoutMs: number;
  readonly logLevel: string;
  readonly mysqld: readonly string[];
  readonly durability: "process" | "disk";
  /** A witness: no mysqld, no data. */
  readonly dataless: boolean;
  /** The proven bundle that the supervisor starts the agent from; undefined = it does not. */
  readonly bundle?: string;
  readonly version: string;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Reads the environment. @throws Error that names the variable which is missing or not a number. */
export function readEnv(env: Variables): AgentEnv {
  const instance = required(env, POD_ENV.instance);
  const cluster = required(env, POD_ENV.cluster);
  const memory = optionalNumber(env, POD_ENV.memory);
  return {
    cluster,
    namespace: required(env, POD_ENV.namespace),
    instance,
    pod: env[POD_ENV.pod] ?? names.pod(instance),
    podIp: required(env, POD_ENV.podIp),
    node: env[POD_ENV.node] || undefined,
    serverId: optionalNumber(env, POD_ENV.serverId) ?? missing(POD_ENV.serverId),
    memoryBytes: memory || undefined,
    paths: readPaths(env),
    listen: env[LOCAL_ENV.listen] || undefined,
    agentPort: optionalNumber(env, LOCAL_ENV.agentPort) ?? AGENT_PORT,
    healthPort: optionalNumber(env, LOCAL_ENV.healthPort) ?? HEALTH_PORT,
    mysqlPort: optionalNumber(env, LOCAL_ENV.mysqlPort) ?? MYSQL_PORT,
    hosts: readHosts(env),
    publishDir: env[LOCAL_ENV.publishDir] || undefined,
    peerTimeoutMs: optionalNumber(env, LOCAL_ENV.peerTimeoutMs) ?? 500,
    logLevel: env[LOCAL_ENV.logLevel] ?? "info",
    mysqld: readCommand(env[LOCAL_ENV.mysqld]),
    durability: readDurability(env[LOCAL_ENV.durability]),
    dataless: readRole(env[POD_ENV.role]) === "witness",
    bundle: env["PORPOISE_AGENT_BUNDLE"] || undefined,
    version: env["PORPOISE_VERSION"] ?? "0.1.0",
  };
}

/** Address of an instance: the override, else the pod's DNS name. */
export function hostOf(env: AgentEnv, instance: string): string {
  return env.hosts[instance] ?? instanceHost(env.cluster, instance, env.namespace);
}

function readPaths(env: Variables): AgentPaths {
  const data = env[LOCAL_ENV.data] ?? POD_PATHS.data;
  const run = env[LOCAL_ENV.run] ?? POD_PATHS.run;
  return {
    data,
    datadir: path.join(data, path.basename(POD_PATHS.datadir)),
    agentState: path.join(data, path.basename(POD_PATHS.agentState)),
    discarded: path.join(data, path.basename(POD_PATHS.discarded)),
    run,
    mysqlSocket: path.join(run, path.basename(POD_PATHS.mysqlSocket)),
    supervisorSocket:
      env[LOCAL_ENV.supervisorSocket] ?? path.join(run, path.basename(POD_PATHS.supervisorSocket)),
    config: env[LOCAL_ENV.config] ?? POD_PATHS.config,
    tls: env[LOCAL_ENV.tls] ?? POD_PATHS.tls,
    agentTls: env[LOCAL_ENV.agentTls] ?? POD_PATHS.agentTls,
    secrets: env[LOCAL_ENV.secrets] ?? POD_PATHS.secrets,
  };
}

function readHosts(env: Variables): Readonly<Record<string, string>> {
  const text = env[LOCAL_ENV.hosts];
  if (!text) return {};
  const hosts: unknown = JSON.parse(text.startsWith("@") ? readFileSync(text.slice(1), "utf8") : text);
  if (typeof hosts !== "object" || hosts === null)
    throw new Error(`${LOCAL_ENV.hosts} is not a JSON object: ${text}`);
  return Object.fromEntries(Object.entries(hosts).map(([name, address]) => [name, String(address)]));
}

const readDurability = (text: string | undefined): "process" | "disk" =>
  text === "disk" ? "disk" : "process";

function readRole(text: string | undefined): "witness" | undefined {
  if (!text) return undefined;
  if (text !== "witness") throw new Error(`${POD_ENV.role} is neither absent nor "witness": ${text}`);
  return text;
}

function readCommand(text: string | undefined): readonly string[] {
  if (!text) return ["mysqld"];
  const words: unknown = JSON.parse(text);
  if (!Array.isArray(words) || words.length === 0)
    throw new Error(`${LOCAL_ENV.mysqld} is not a JSON array: ${text}`);
  return words.map(String);
}

function required(env: Variables, name: string): string {
  return env[name] || missing(name);
}

function missing(name: string): never {
  throw new Error(`the environment lacks ${name}; the controller's pod template sets it`);
}

function optionalNumber(env: Variables, name: string): number | undefined {
  const text = env[name];
  if (text === undefined || text === "") return undefined;
  const value = Number(text);
  if (!Number.isFinite(value)) throw new Error(`${name} is not a number: ${text}`);
  return value;
}
