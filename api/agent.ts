/**
 * The agent's HTTP protocol, typed once for both ends: the controller and the CLI on one, the agent on the other.
 *
 * Port 9443 (mutual TLS, the cluster's own CA):
 *   PUT  /v1/intent    Intent       → IntentAnswer; idempotent, monotonic in (epoch, generation); 409 for an older
 *                      one, and for one of another cluster than the volume's
 *   GET  /v1/status                 → MemberStatus
 *   POST /v1/transfer  Transfer     → TransferAnswer; leadership is handed over, or the reason why not
 *   POST /v1/recover   RecoverPlanRequest → RecoverPlan, RecoverExecuteRequest → Recovered; 409 with a reason
 *   PUT  /v1/agent     the agent's bundle, header x-sha256 → RenewAnswer; mysqld runs on; 409 with a reason
 *   POST /v1/raft      a message of agent/raft (peers only), 204
 *   POST /v1/publish   PublishRequest → 204; a leader without the Kubernetes API asks a peer to write for it
 * Port 8080 (plain, read-only): /livez /readyz /primary /replica (200 or 503), /metrics, /status (MemberStatus).
 */
import type { GtidText } from "./gtid";

export const AGENT_PORT = 9443;
export const HEALTH_PORT = 8080;
export const MYSQL_PORT = 3306;

/** What the controller wants of the cluster. Sent to every agent; each keeps the highest (epoch, generation). */
export interface Intent {
  /** metadata.creationTimestamp of the MySQLCluster in ms: one made anew over kept volumes counts from 1 again. */
  readonly epoch: number;
  /** metadata.generation of the MySQLCluster. */
  readonly generation: number;
  /** UUID the controller made for this cluster; GTID source of the barriers. */
  readonly clusterId: string;
  /** Every instance the cluster is to have. At least one voter. */
  readonly members: readonly WantedMember[];
  /** Cluster ids that this cluster had before a recovery after loss of the majority, oldest first. */
  readonly formerClusterIds: readonly string[];
  /** True once the controller has seen the cluster with a primary: never bootstrap it again. */
  readonly initialised: boolean;
  readonly timing: Timing;
  /** `spec.failover.auto`: false = elections only by TimeoutNow or command. */
  readonly autoFailover: boolean;
  /** Replicas that lag by more are taken out of `<c>-replicas`. */
  readonly maxLagMs: number;
  /** When the primary serves reads in `<c>-replicas` (api.md, services.replicas.usePrimary). */
  readonly usePrimary: "never" | "fallback" | "always";
  /** `[mysqld]` options that MySQL takes online: name → value, already rendered (SET GLOBAL). */
  readonly onlineConfig: Readonly<Record<string, string>>;
}

/** voter: acknowledges and votes. witness: votes, holds no data. learner: replicates, does neither. */
export type WantedRole = "voter" | "witness" | "learner";

export interface WantedMember {
  /** Instance name, e.g. "shop-0". */
  readonly name: string;
  readonly role: WantedRole;
  /** Of a learner: it applies what the primary committed this long ago; such a one is not in `<c>-replicas`. */
  readonly delayMs?: number;
  /** Of a learner: its pool, whose Service `<c>-<pool>` leads to it. */
  readonly pool?: string;
}

/** All in milliseconds. */
export interface Timing {
  readonly heartbeatMs: number;
  /** Upper part of the election timeout's range; see agent/raft/timing.ts. */
  readonly electionTimeoutMs: number;
}

export interface IntentAnswer {
  /** The generation the agent now holds. */
  readonly generation: number;
}

export type MemberRole = "primary" | "replica" | "learner" | "witness" | "unknown";
export type MysqldState = "initialising" | "down" | "starting" | "running" | "rewinding" | "cloning";

/** One instance, as its own agent sees it. */
export interface MemberStatus {
  /** Instance name, e.g. "shop-0". */
  readonly name: string;
  readonly memberId: string;
  readonly agentVersion: string;
  /** Of the intent held; 0 = none yet. */
  readonly generation: number;
  /** Of the intent held; absent before there is one. */
  readonly epoch?: number;
  /** The cluster that the volume belongs to; absent = to none yet. */
  readonly clusterId?: string;
  /** Ids that cluster had before recoveries from the loss of a majority, oldest first; absent = none. */
  readonly formerClusterIds?: readonly string[];
  readonly role: MemberRole;
  readonly term: number;
  /** Member id of the leader this member knows in its term. */
  readonly leader?: string;
  readonly configuration?: {
    readonly term: number;
    readonly version: number;
    readonly voters: readonly string[];
    /** Voters that hold no data. */
    readonly witnesses: readonly string[];
    readonly k: number;
  };
  /** On the leader: the change of the configuration that is under way. */
  readonly membership?: MembershipChange;
  /** On the leader: everyone it talks to, whether they answer or not. */
  readonly peers?: readonly PeerStatus[];
  /** True when the member serves: the primary open for writes under its lease, a replica that follows. */
  readonly ready: boolean;
  /** What the member is doing or waiting for, in one clear sentence. */
  readonly phase: string;
  readonly mysqld: MysqldState;
  readonly mysqlVersion?: string;
  readonly serverUuid?: string;
  readonly executed?: GtidText;
  readonly received?: GtidText;
  /** Replication delay; undefined on a primary or when unknown. */
  readonly lagMs?: number;
  /** GTIDs that make this member diverged; empty when it is not. */
  readonly errant: GtidText;
  readonly quorum?: { readonly voters: number; readonly needed: number; readonly alive: number };
  readonly lastFailover?: FailoverRecord;
  /** The last tail this member discarded. */
  readonly discarded?: {
    readonly at: string;
    readonly gtids: GtidText;
    readonly how: "rewind" | "clone";
    readonly file?: string;
  };
  /** Free and total bytes of the data volume. */
  readonly disk?: { readonly freeBytes: number; readonly totalBytes: number };
  readonly pid?: { readonly mysqld?: number; readonly agent: number };
  readonly rssBytes?: { readonly agent: number; readonly supervisor?: number };
  /** Of a delayed learner: how far behind it is to apply, ms. */
  readonly delayMs?: number;
  /** The agent's bundle that runs, by its SHA-256 in hex, and why the last one that was sent does not. */
  readonly bundle?: { readonly sha256: string; readonly refused?: string };
}

/** One voter on its way in or out. */
export interface MembershipChange {
  readonly kind: "add" | "remove";
  /** Member id. */
  readonly member: string;
  readonly stage: string;
  /** RFC 3339. */
  readonly since: string;
  /** What the change waits for, in one clear sentence. */
  readonly waitsFor: string;
}

/** A member as its leader sees it. */
export interface PeerStatus {
  readonly memberId: string;
  readonly name: string;
  readonly role: WantedRole;
  /** Since its last answer in this term; undefined = it has not answered in this term. */
  readonly answeredMsAgo?: number;
  /** It replicates from this leader. */
  readonly receiving: boolean;
  readonly lagMs?: number;
}

/** Kept by the leader that came to power; times are RFC 3339. */
export interface FailoverRecord {
  readonly at: string;
  readonly term: number;
  readonly from?: string;
  readonly to: string;
  readonly reason: "bootstrap" | "mysqld-died" | "stalled" | "leader-silent" | "transfer" | "restart";
  /** Milliseconds from the start of the election to open for writes, by phase. */
  readonly phasesMs: Readonly<Record<string, number>>;
}

export interface Transfer {
  /** Instance name; undefined = the best one. */
  readonly to?: string;
  readonly reason: string;
}

export type TransferAnswer =
  | { readonly accepted: true; readonly term: number }
  | { readonly accepted: false; readonly reason: string };

/** First step of a recovery after loss of the majority: what would be done, what may be lost. Changes nothing. */
export interface RecoverPlanRequest {
  readonly step: "plan";
}

export interface RecoverPlan {
  /** Names this plan in the second step; good for RECOVER_PLAN_MS and only while what it shows stays so. */
  readonly token: string;
  /** The cluster id that the new cluster will have. */
  readonly clusterId: string;
  readonly term: number;
  /** The highest barrier in what this member holds. */
  readonly lastTerm: number;
  readonly received: GtidText;
  /** Member ids of the voters that answer, and of those that do not; this member itself is in the first. */
  readonly reachable: readonly string[];
  readonly missing: readonly string[];
  /** Names what may be lost, in one sentence. */
  readonly mayBeLost: string;
}

/** Second step: this member alone becomes a new cluster, which the others join by being rebuilt. */
export interface RecoverExecuteRequest {
  readonly step: "execute";
  readonly token: string;
  readonly acceptDataLoss: true;
}

export interface Recovered {
  readonly clusterId: string;
}

export const RECOVER_PLAN_MS = 10 * 60_000;

/** The agent restarts on the bundle it was sent; mysqld runs on. */
export interface RenewAnswer {
  /** Hex SHA-256 of the bundle that is now in place. */
  readonly sha256: string;
  /** False: it is the one that runs already; nothing was done. */
  readonly restarts: boolean;
  /** Instance that leadership was handed to first; absent = this member did not lead. */
  readonly transferredTo?: string;
}

/** One endpoint of a data Service. */
export interface PublishedEndpoint {
  readonly instance: string;
  readonly pod: string;
  readonly ip: string;
  readonly node?: string;
}

/** A data Service's EndpointSlice as the leader of `term` wants it. */
export interface PublishRequest {
  /** "primary", "replicas", or the name of a pool of read replicas. */
  readonly service: string;
  readonly term: number;
  readonly leader: string;
  readonly endpoints: readonly PublishedEndpoint[];
  /** Terms of one cluster say nothing about another's: after the recovery of a lost majority there are two. */
  readonly clusterId?: string;
  /** Ids this cluster had before: what stands there under one of them has ended. */
  readonly formerClusterIds?: readonly string[];
}
