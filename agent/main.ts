/**
 * The agent: wires the core to the world. Starts beside mysqld under the supervisor, in a pod or, with LOCAL_ENV set,
 * anywhere. Events come from peers, mysqld, the controller and the clock; the runner does the rest.
 */
import * as path from "node:path";
import type { Intent, MemberStatus, PublishRequest, Timing } from "../api/agent";
import { hostOf, readEnv, type AgentEnv } from "./env";
import { watchFigures } from "./figures";
import { agentApi, delayOf, momentOf, probesOf, statusOf, type Insides } from "./http/api";
import { healthApp, secureApp } from "./http/apps";
import { createGate } from "./http/gate";
import { openIntentStore, type IntentStore } from "./http/intent";
import { createMetrics } from "./http/metrics";
import { createRecovery } from "./http/recovery";
import { CHECK_ANSWER, CHECK_ARGUMENT, createRenewal, runningSha } from "./http/renewal";
import { servesPrimary } from "./http/serving";
import { agentChecker, listenPlain, listenSecure } from "./http/servers";
import { createLog, reasonOf, type Log } from "./log";
import { createMysql, readBootId, readSecrets, type Mysql } from "./mysql";
import { createDataless } from "./mysql/dataless";
import { instanceOf } from "./names";
import {
  agentName,
  createAddresses,
  createPeers,
  systemResolve,
  watchCertificates,
  type Peers,
} from "./peers";
import { systemClock } from "./ports";
import { createFileBoard, createKubeBoard, createPublisher, SERVICE_ACCOUNT, type Board } from "./publish";
import type { PublishOutcome } from "./publish";
import { initialState, nextDeadline, step, tuningOf } from "./raft";
import type { Event, State } from "./raft/types";
import { createRunner, watchStalls, type Runner } from "./runner";
import { openStore, type Store } from "./store/store";

/** Until the first intent comes: the defaults of `spec.failover`. */
const FIRST_TIMING: Timing = { heartbeatMs: 150, electionTimeoutMs: 1_000 };
/** For mysqld to stop cleanly; the supervisor kills what is left. */
const STOP_LIMIT_MS = 40_000;
/** A leader asked to be renewed hands over first; with no successor it ends all the same. */
const RENEW_LIMIT_MS = 8_000;

async function main(): Promise<void> {
  const env = readEnv(process.env);
  const log = createLog({ level: env.logLevel, instance: env.instance });
  const fatal = (error: unknown): never => {
    log.error(
      { error: reasonOf(error), stack: error instanceof Error ? error.stack : undefined },
      "the agent ends: a bug",
    );
    process.exit(70);
  };
  process.on("uncaughtException", fatal);
  process.on("unhandledRejection", fatal);
  const store = await openStore(env.paths.agentState, env.instance);
  const intents = await openIntentStore(env.paths.agentState, () => store.durable.clusterId);
  const certificates = await watchCertificates(env.paths.agentTls, log);
  const peers = createPeers({
    cluster: env.cluster,
    self: env.instance,
    certificates,
    addresses: createAddresses(await systemResolve()),
    port: env.agentPort,
    timeoutMs: env.peerTimeoutMs,
    hostOf: (instance) => hostOf(env, instance),
    instanceOf,
    log,
  });
  const mysql = await createMysqlPort(env, store, log);
  const board = await createBoard(env);
  // The supervisor counts the starts of a bundle on trial: what it says changes only with the agent.
  const [sha256, refused] = await Promise.all([runningSha(), mysql.refusedBundle()]);
  const insides = wire({ env, log, store, intents, peers, mysql, board, fatal, sha256, refused });
  const hosts = (): string[] => [
    agentName(env.cluster),
    ...(intents.current()?.members ?? []).map(({ name }) => hostOf(env, name)),
  ];
  await listenSecure(secureApp(agentApi(insides), agentChecker(hosts)), certificates, {
    host: env.listen,
    port: env.agentPort,
  });
  await listenPlain(healthApp(probesOf(insides, insides.metrics)), {
    host: env.listen,
    port: env.healthPort,
  });
  mysql.listen((event) => insides.runner.post(event));
  insides.runner.post({ type: "started", ...(await mysql.inspect()) });
  const held = intents.current();
  if (held) insides.onIntent(held);
  watchStalls(log);
  process.on("SIGTERM", () => void renew(insides.runner, log));
  log.info(
    { memberId: store.durable.memberId, term: store.durable.term, version: env.version },
    "agent started",
  );
}

interface Parts {
  readonly env: AgentEnv;
  readonly log: Log;
  readonly store: Store;
  readonly intents: IntentStore;
  readonly peers: Peers;
  readonly mysql: Mysql;
  readonly board: Board;
  readonly fatal: (error: unknown) => void;
  readonly sha256: string;
  readonly refused?: string;
}

/** The runner and all that looks at it. */
function wire(parts: Parts): Insides & { readonly metrics: ReturnType<typeof createMetrics> } {
  const { env, log, store, intents, peers, mysql, board, fatal } = parts;
  const { now } = systemClock;
  const gate = createGate();
  const figures = watchFigures(env.paths.data);
  const publisher = createPublisher({
    self: { instance: env.instance, pod: env.pod, ip: env.podIp, node: env.node },
    board,
    log,
    state: () => runner.snapshot(),
    intent: () => intents.current(),
    now,
    askPeer: (instance, request) => askPeer(peers, instance, request),
  });
  const { sha256, refused } = parts;
  const about = { instance: env.instance, version: env.version, sha256, refusedBundle: () => refused };
  const view = { ...about, mysql, gate, intents, figures, now };
  const metrics = createMetrics({
    status: () => statusOf({ ...view, runner }),
    history: () => runner.history(),
    servesPrimary: () => servesPrimary(momentOf({ ...view, runner })),
    waiting: () => mysql.snapshot().waiting,
    now,
  });
  const runner: Runner = createRunner(firstState(env, store), {
    core: { step, nextDeadline },
    store,
    mysql,
    peers,
    publisher,
    gate,
    clock: systemClock,
    log,
    watch: metrics.watch,
    onState: (state) => mysql.setDelay(delayOf(intents.current(), env.instance, state)),
    fatal,
    async exit(clean) {
      log.info({ clean }, "stops mysqld and ends");
      await mysql.stop({ clean, limitMs: STOP_LIMIT_MS });
      process.exit(0);
    },
  });
  const onIntent = (intent: Intent): void => takeIntent(intent, { runner, peers, mysql, log });
  return { ...view, runner, peers, publisher, onIntent, metrics, ...acts({ ...parts, runner }) };
}

const firstState = (env: AgentEnv, store: Store): State =>
  initialState(store.durable, tuningOf(FIRST_TIMING, true), env.dataless);

/** What a person or the controller may have done to this member, beside the core's own work. */
function acts(parts: Parts & { readonly runner: Runner }): Pick<Insides, "recovery" | "renewal"> {
  const { env, log, peers, mysql, runner, sha256 } = parts;
  const snapshot = (): State => runner.snapshot();
  const post = (event: Event): void => runner.post(event);
  return {
    recovery: createRecovery({
      snapshot,
      post,
      ask: (instance) => askStatus(peers, instance),
      file: path.join(env.paths.agentState, "recoveries.jsonl"),
      log,
      now: systemClock.now,
      wall: () => Date.now(),
    }),
    renewal: createRenewal({
      snapshot,
      post,
      bundle: env.bundle,
      sha256,
      tryBundle: (bundle) => mysql.tryBundle(bundle),
      disarm: () => mysql.watchdog(false),
      exit: () => process.exit(0),
      log,
      now: systemClock.now,
    }),
  };
}

async function askStatus(peers: Peers, instance: string): Promise<MemberStatus> {
  const reply = await peers.request(instance, { method: "GET", path: "/v1/status", timeoutMs: 2_000 });
  if (reply.status !== 200) throw new Error(`${instance} answered ${reply.status}`);
  return JSON.parse(reply.body) as MemberStatus;
}

function takeIntent(
  intent: Intent,
  { runner, peers, mysql, log }: { runner: Runner; peers: Peers; mysql: Mysql; log: Log },
): void {
  const {
    epoch,
    generation,
    clusterId,
    formerClusterIds,
    members,
    initialised,
    timing,
    autoFailover,
    onlineConfig,
  } = intent;
  log.info({ epoch, generation, members, initialised }, "intent taken");
  peers.setInstances(members.map(({ name }) => name));
  mysql.applyOnlineConfig(onlineConfig);
  runner.post({
    type: "intent",
    clusterId,
    former: formerClusterIds,
    members,
    initialised,
    tuning: tuningOf(timing, autoFailover),
  });
}

async function createMysqlPort(env: AgentEnv, store: Store, log: Log): Promise<Mysql> {
  if (!env.dataless) return createMysql(await mysqlOptions(env, store, log));
  const { supervisorSocket } = env.paths;
  return createDataless({ supervisorSocket, log: (text, fields) => log.info(fields ?? {}, text) });
}

async function mysqlOptions(
  env: AgentEnv,
  store: Store,
  log: Log,
): Promise<Parameters<typeof createMysql>[0]> {
  const { paths } = env;
  return {
    memberId: store.durable.memberId,
    paths: {
      datadir: paths.datadir,
      run: paths.run,
      socket: paths.mysqlSocket,
      supervisorSocket: paths.supervisorSocket,
      discarded: paths.discarded,
      userConfig: path.join(paths.config, "my.cnf"),
      serverTls: paths.tls,
      agentTls: paths.agentTls,
    },
    command: env.mysqld,
    serverId: env.serverId,
    port: env.mysqlPort,
    bindAddress: env.listen ?? "*",
    reportHost: hostOf(env, env.instance),
    address: env.podIp,
    bootId: await readBootId(),
    durability: env.durability,
    rootHosts: ["localhost"],
    resolve: (member) => ({ host: hostOf(env, instanceOf(member)), port: env.mysqlPort }),
    secrets: () => readSecrets(paths.secrets),
    host: store,
    log: (text, fields) => log.info(fields ?? {}, text),
  };
}

function createBoard(env: AgentEnv): Promise<Board> {
  if (env.publishDir !== undefined) return createFileBoard(env.publishDir, env.instance);
  const { cluster, namespace, pod, instance } = env;
  const host = process.env["KUBERNETES_SERVICE_HOST"] ?? "kubernetes.default.svc";
  const port = Number(process.env["KUBERNETES_SERVICE_PORT"] ?? 443);
  const serviceAccount = SERVICE_ACCOUNT;
  return createKubeBoard({ cluster, namespace, pod, instance, host, port, serviceAccount, timeoutMs: 1_000 });
}

async function askPeer(peers: Peers, instance: string, request: PublishRequest): Promise<PublishOutcome> {
  const reply = await peers.request(instance, {
    method: "POST",
    path: "/v1/publish",
    body: JSON.stringify(request),
    timeoutMs: 2_500,
  });
  if (reply.status === 204) return { result: "written" };
  if (reply.status === 409) return JSON.parse(reply.body) as PublishOutcome;
  return { result: "unreachable", reason: `${instance} answered ${reply.status}` };
}

/** SIGTERM renews the agent alone (the pod's end comes as the supervisor's notice): a leader hands over first. */
async function renew(runner: Runner, log: Log): Promise<void> {
  log.info({}, "asked to end; mysqld serves on");
  runner.post({ type: "transfer", reason: "the agent is renewed" });
  const endsAt = performance.now() + RENEW_LIMIT_MS;
  const leads = (): boolean => runner.snapshot().role.role === "leader" || runner.snapshot().writable;
  while (leads() && performance.now() < endsAt) await new Promise((resolve) => setTimeout(resolve, 50));
  process.exit(0);
}

if (process.argv.includes(CHECK_ARGUMENT)) process.stdout.write(`${CHECK_ANSWER}\n`);
else
  main().catch((error: unknown) => {
    process.stderr.write(`the agent did not start: ${reasonOf(error)}\n`);
    process.exit(78);
  });
