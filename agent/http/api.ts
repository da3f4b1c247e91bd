/** What the two servers ask, answered from the runner's state, the intent and mysqld's snapshot. */
import type { Intent, MemberStatus, TransferAnswer } from "../../api/agent";
import type { Figures } from "../figures";
import type { MysqlPort } from "../mysql/port";
import { parseMessage, type Peers } from "../peers";
import type { Publisher } from "../publish";
import { isVoter } from "../raft";
import type { State } from "../raft/types";
import type { Runner } from "../runner";
import type { AgentApi, Probes } from "./apps";
import type { Gate } from "./gate";
import type { IntentStore } from "./intent";
import type { Metrics } from "./metrics";
import type { Recovery } from "./recovery";
import type { Renewal } from "./renewal";
import { isReady, memberRole, servesPrimary, servesReplica, type Moment } from "./serving";
import { memberStatus } from "./status";
import { transferTarget } from "./target";

export interface Insides {
  readonly instance: string;
  readonly version: string;
  readonly runner: Runner;
  readonly mysql: MysqlPort;
  readonly gate: Gate;
  readonly intents: IntentStore;
  readonly figures: Figures;
  readonly peers: Peers;
  readonly publisher: Publisher;
  readonly recovery: Recovery;
  readonly renewal: Renewal;
  /** SHA-256 of the bundle that runs. */
  readonly sha256: string;
  /** Why the last bundle that was sent is not in use. */
  readonly refusedBundle: () => string | undefined;
  /** Carries a changed intent to the core and to mysqld. */
  readonly onIntent: (intent: Intent) => void;
  /** Monotonic ms. */
  readonly now: () => number;
}

/** A loop that works on one event for longer hangs, on a disk as a rule; only a restart of the pod helps then. */
const STUCK_MS = 30_000;

/** The moment that all answers are about. */
export function momentOf({
  runner,
  gate,
  now,
  intents,
  instance,
}: Pick<Insides, "runner" | "gate" | "now" | "intents" | "instance">): Moment {
  const state = runner.snapshot();
  return { state, now: now(), gateOpen: gate.isOpen(), delayMs: delayOf(intents.current(), instance, state) };
}

/** How far behind this member is to apply. A voter never is, whatever the intent says already. */
export function delayOf(intent: Intent | undefined, instance: string, state: State): number {
  const wanted = intent?.members.find(({ name }) => name === instance);
  return isVoter(state) ? 0 : (wanted?.delayMs ?? 0);
}

/** This member's status. */
export function statusOf(
  insides: Omit<Insides, "peers" | "publisher" | "onIntent" | "recovery" | "renewal">,
): MemberStatus {
  const { runner, mysql, intents, figures } = insides;
  return memberStatus({
    ...momentOf(insides),
    wall: Date.now(),
    bundle: { sha256: insides.sha256, refused: insides.refusedBundle() },
    instance: insides.instance,
    agentVersion: insides.version,
    snapshot: mysql.snapshot(),
    history: runner.history(),
    intent: intents.current(),
    foreign: intents.foreign(),
    disk: figures.disk(),
    pid: process.pid,
    rssBytes: process.memoryUsage.rss(),
    supervisorRssBytes: figures.supervisorRssBytes(),
  });
}

/** Port 9443. */
export function agentApi(insides: Insides): AgentApi {
  const { runner, intents, peers, publisher, onIntent, now } = insides;
  return {
    status: () => statusOf(insides),
    generation: () => intents.current()?.generation ?? 0,
    async putIntent(body) {
      const result = await intents.put(body);
      if (result.taken && result.changed) onIntent(result.intent);
      return result;
    },
    transfer(body) {
      const wanted = parseTransfer(body);
      if (typeof wanted === "string") return wanted;
      const state = runner.snapshot();
      const target = transferTarget(state, wanted.to, now());
      if ("reason" in target) return { accepted: false, reason: target.reason } satisfies TransferAnswer;
      runner.post({ type: "transfer", to: target.to, reason: wanted.reason });
      return { accepted: true, term: state.durable.term };
    },
    raft(body, address) {
      const { durable, intent } = runner.snapshot();
      const parsed = parseMessage(body, durable.clusterId || (intent?.clusterId ?? ""));
      if ("refused" in parsed) return parsed;
      peers.seen(parsed.message.from, address);
      runner.post({ type: "message", message: parsed.message });
      return undefined;
    },
    publish: (request) => publisher.writeFor(request),
    recover: (body) => insides.recovery.handle(body),
    renew: (bundle, sha256) => insides.renewal.renew(bundle, sha256),
  };
}

/** Port 8080. */
export function probesOf(insides: Insides, metrics: Metrics): Probes {
  const { runner, intents, mysql, now } = insides;
  return {
    live() {
      const since = runner.busySince();
      return since === undefined || now() - since < STUCK_MS;
    },
    ready: () => isReady(momentOf(insides)),
    primary: () => servesPrimary(momentOf(insides)),
    replica() {
      const moment = momentOf(insides);
      const intent = intents.current();
      if (memberRole(moment.state) === "primary")
        return intent?.usePrimary === "always" && servesPrimary(moment);
      const lagMs = mysql.snapshot().lagMs ?? moment.state.health.lagMs;
      return servesReplica(moment) && lagMs <= (intent?.maxLagMs ?? Infinity);
    },
    status: () => statusOf(insides),
    metrics: () => metrics.text(),
    metricsType: metrics.contentType,
  };
}

function parseTransfer(body: unknown): { readonly to?: string; readonly reason: string } | string {
  if (typeof body !== "object" || body === null) return "the request is not a JSON object";
  const { to, reason } = body as Readonly<Record<string, unknown>>;
  if (to !== undefined && typeof to !== "string") return "to is not an instance name";
  if (typeof reason !== "string" || reason === "") return "reason is missing";
  return { to, reason: reason.slice(0, 200) };
}
