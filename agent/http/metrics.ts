/** What Prometheus reads at /metrics. Gauges are taken when asked; counters count the runner's events and actions. */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { MemberStatus } from "../../api/agent";
import type { History } from "../history";
import type { RunnerWatch } from "../runner";
import type { Event, VerbEvent, VerbName } from "../raft/types";

export interface Metrics {
  readonly watch: RunnerWatch;
  /** The exposition text. */
  text(): Promise<string>;
  readonly contentType: string;
}

export interface MetricsSource {
  status(): MemberStatus;
  history(): History;
  servesPrimary(): boolean;
  /** Commits that wait for an acknowledgement. */
  waiting(): number | undefined;
  /** Monotonic ms. */
  now(): number;
}

const ROLES = ["primary", "replica", "learner", "witness", "unknown"] as const;

/** Which verb an event ends. */
const ENDS: Readonly<Partial<Record<Exclude<VerbEvent["type"], "failed">, VerbName>>> = {
  mysqldReady: "startMysqld",
  receiverStopped: "stopReceiver",
  receivedRead: "readReceived",
  fenced: "fence",
  drained: "drain",
  armed: "arm",
  barrierAcked: "barrier",
  opened: "open",
  quiesced: "quiesce",
  followed: "follow",
  diverged: "follow",
  rewound: "rewind",
  cloned: "clone",
  marked: "mark",
};

/** The verb an event ends, if any. */
export function verbEnded(event: Event): VerbName | undefined {
  if (event.type === "failed") return event.verb;
  return ENDS[event.type as keyof typeof ENDS];
}

/** Metrics of one agent. */
export function createMetrics(source: MetricsSource): Metrics {
  const registry = new Registry();
  addGauges(registry, source);
  return {
    watch: createWatch(registry, source.now),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

function addGauges(registry: Registry, source: MetricsSource): void {
  const gauge = (name: string, help: string, read: () => number | undefined): void => {
    new Gauge({
      name: `porpoise_${name}`,
      help,
      registers: [registry],
      collect() {
        const value = read();
        this.reset();
        if (value !== undefined) this.set(value);
      },
    });
  };
  gauge("term", "Raft term on disk", () => source.status().term);
  gauge("ready", "1 when the member serves", () => Number(source.status().ready));
  gauge("primary", "1 while open for writes under the lease", () => Number(source.servesPrimary()));
  gauge("mysqld_up", "1 when mysqld runs", () => Number(source.status().mysqld === "running"));
  gauge("diverged", "1 when the member holds transactions no leader has", () =>
    Number(source.status().errant !== ""),
  );
  gauge("replication_lag_seconds", "Delay of the applier", () => seconds(source.status().lagMs));
  gauge("commits_waiting", "Commits that wait for an acknowledgement", () => source.waiting());
  gauge("voters_alive", "Voters the leader hears from", () => source.status().quorum?.alive);
  gauge("last_outage_seconds", "From the last answer to the former leader until open", () =>
    seconds(source.history().outageMs),
  );
  gauge("agent_resident_memory_bytes", "Memory of the agent", () => source.status().rssBytes?.agent);
  gauge("volume_free_bytes", "Free bytes of the data volume", () => source.status().disk?.freeBytes);
  addCounters(registry, source);
  addRole(registry, source);
}

/** Kept by the history; a gauge's way of reading, a counter's name. */
function addCounters(registry: Registry, source: MetricsSource): void {
  let seen = { electionsStarted: 0, electionsWon: 0 };
  new Counter({
    name: "porpoise_elections_total",
    help: "Elections this member stood in, by result",
    labelNames: ["result"],
    registers: [registry],
    collect() {
      const { electionsStarted, electionsWon } = source.history();
      this.inc({ result: "started" }, electionsStarted - seen.electionsStarted);
      this.inc({ result: "won" }, electionsWon - seen.electionsWon);
      seen = { electionsStarted, electionsWon };
    },
  });
}

function addRole(registry: Registry, source: MetricsSource): void {
  new Gauge({
    name: "porpoise_role",
    help: "1 for the role the member has",
    labelNames: ["role"],
    registers: [registry],
    collect() {
      const role = source.status().role;
      for (const each of ROLES) this.set({ role: each }, Number(each === role));
    },
  });
}

function createWatch(registry: Registry, now: () => number): RunnerWatch {
  const messages = new Counter({
    name: "porpoise_messages_total",
    help: "Messages between agents, by type and direction",
    labelNames: ["type", "direction"],
    registers: [registry],
  });
  const verbs = new Histogram({
    name: "porpoise_verb_seconds",
    help: "How long verbs on mysqld took",
    labelNames: ["verb", "result"],
    buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
    registers: [registry],
  });
  const startedAt = new Map<VerbName, number>();
  return {
    event(event) {
      if (event.type === "message") messages.inc({ type: event.message.type, direction: "in" });
      const verb = verbEnded(event);
      const since = verb && startedAt.get(verb);
      if (verb === undefined || since === undefined) return;
      startedAt.delete(verb);
      const result = event.type === "failed" ? "failed" : "ok";
      verbs.observe({ verb, result }, (now() - since) / 1000);
    },
    action(action) {
      if (action.do === "verb") startedAt.set(action.verb.verb, now());
      if (action.do === "send" || action.do === "sendByName")
        messages.inc({ type: action.message.type, direction: "out" });
    },
  };
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}
