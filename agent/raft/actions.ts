/** What comes into the core and what goes out of it; types.ts says what the caller owes. */
import type { GtidText } from "../../api/gtid";
import type { Health, Message } from "./messages";
import type { Durable, MemberId, Term, Tuning, Wanted } from "./types";

// ---------------------------------------------------------------- events

/** Time and chance of a step. */
export interface Input {
  /** Monotonic milliseconds. */
  readonly now: number;
  /** In [0, 1). */
  readonly chance: number;
}

/** Ends of verbs. `term` is the one the verb was given. */
export type VerbEvent =
  /** mysqld runs: super_read_only, offline_mode, nothing started. `fresh`: no GTID executed or received. */
  | { readonly type: "mysqldReady"; readonly received: GtidText; readonly serverUuid: string }
  /** Receiver stopped (or none ran), set read afterwards: retrieved ∪ executed. */
  | { readonly type: "receiverStopped"; readonly term: Term; readonly received: GtidText }
  /** The set as it is, nothing stopped. */
  | { readonly type: "receivedRead"; readonly term: Term; readonly received: GtidText }
  /** The fence holds. `killed`: mysqld was killed (`mysqldExited` comes too, before or after). */
  | { readonly type: "fenced"; readonly term: Term; readonly killed: boolean }
  | { readonly type: "drained"; readonly term: Term }
  | { readonly type: "armed"; readonly term: Term }
  | { readonly type: "barrierAcked"; readonly term: Term }
  | { readonly type: "opened"; readonly term: Term }
  /** The gate is closed and no commit waits. */
  | { readonly type: "quiesced"; readonly term: Term; readonly executed: GtidText }
  /** The receiver runs towards the leader of `term`. */
  | { readonly type: "followed"; readonly term: Term }
  /** Not followed: the member received what the leader's electedSet lacks. mysqld is offline (I9). */
  | { readonly type: "diverged"; readonly term: Term; readonly errant: GtidText }
  /** The tail was cut and mysqld runs (then `mysqldReady` comes too), or why it has to be cloned. */
  | {
      readonly type: "rewound";
      readonly term: Term;
      readonly result: "ok" | "impossible" | "committed";
      readonly errant: GtidText;
    }
  /** mysqld runs on the donor's data, under a new server UUID (`mysqldReady` comes too). */
  | { readonly type: "cloned"; readonly term: Term }
  /** The marker is committed. */
  | { readonly type: "marked"; readonly term: Term; readonly marker: GtidText; readonly to: MemberId }
  /** Commits wait for k acknowledgements from here on; with 0 semi-sync is off. */
  | { readonly type: "acksSet"; readonly term: Term; readonly k: number }
  /** Nothing of the member acknowledges any more: its account is locked there, its dump thread is gone. */
  | { readonly type: "excluded"; readonly term: Term; readonly member: MemberId }
  /** The member may replicate from here again. */
  | { readonly type: "admitted"; readonly term: Term; readonly member: MemberId }
  /** The verb ended without its result; `reason` is for people. */
  | { readonly type: "failed"; readonly term: Term; readonly verb: VerbName; readonly reason: string };

export type Event =
  | VerbEvent
  /** The first event of a process. `mysqld`: what the supervisor has; `writable`: it may be open for writes. */
  | {
      readonly type: "started";
      readonly mysqld: "running" | "down";
      readonly writable: boolean;
      readonly unsafeData: boolean;
    }
  | { readonly type: "timer" }
  | { readonly type: "message"; readonly message: Message }
  /** mysqld ended, except where `startMysqld`, `rewind` or `clone` runs: there its end is part of the verb. */
  | { readonly type: "mysqldExited" }
  | {
      readonly type: "intent";
      readonly clusterId: string;
      /** Ids the cluster had before recoveries from the loss of a majority. */
      readonly former: readonly string[];
      readonly members: readonly Wanted[];
      readonly initialised: boolean;
      readonly tuning: Tuning;
    }
  /**
   * Step two of a recovery after the loss of the majority, confirmed by a person who was told what may be lost: this
   * member alone goes on, as cluster `clusterId` (new). Refused by nothing but what `recoveryRefusal` says.
   */
  | { readonly type: "recover"; readonly clusterId: string }
  /** Hand leadership over; `to` is an instance name, undefined = the best. */
  | { readonly type: "transfer"; readonly to?: string; readonly reason: string }
  /** The pod is to end: hand over if leader, then stop mysqld cleanly. */
  | { readonly type: "shutdown" }
  /** Commits of this leader have waited too long for acknowledgements: a hung disk, a dead link. */
  | { readonly type: "stalled"; readonly term: Term }
  /**
   * The receiver of a member that followed has stopped by itself, or (`purged`, also as the end of `follow`) cannot
   * go on because the leader has purged what it needs.
   */
  | { readonly type: "receiverLost"; readonly term: Term; readonly purged: boolean }
  /** Periodic look at the own mysqld; hints, never for safety. */
  | { readonly type: "observed"; readonly received: GtidText; readonly health: Health }
  /** A replica asks to be rebuilt (operation or policy), also one that is quarantined. */
  | { readonly type: "rebuild" };

// ---------------------------------------------------------------- actions

/** What is done to mysqld. All carry the term they serve. */
export type Verb =
  /**
   * Start mysqld; initialise an empty datadir first. Boots super_read_only, offline_mode, nothing started. When one
   * runs already (the agent was restarted) it is attached to as it is. Ends as `mysqldReady`.
   */
  | { readonly verb: "startMysqld" }
  | { readonly verb: "stopReceiver" }
  | { readonly verb: "readReceived" }
  /** offline_mode, KILL the rest, within its time or SIGKILL; then super_read_only and semi-sync source off. */
  | { readonly verb: "fence" }
  /** offline_mode=ON, drain the relay log, stop the applier. */
  | { readonly verb: "drain" }
  /**
   * Flushes 1, semi-sync on with k, timeout read back, wait_no_replica on. Takes back every lock of earlier `exclude`s,
   * also those that came with a clone: the core asks again for those it still wants.
   */
  | { readonly verb: "arm"; readonly k: number }
  /** super_read_only=OFF; the barrier under GTID `<clusterId>:<term>`; waits for k acknowledgements. */
  | { readonly verb: "barrier"; readonly clusterId: string }
  /** read_only=OFF, offline_mode=OFF. */
  | { readonly verb: "open" }
  | { readonly verb: "quiesce" }
  | {
      readonly verb: "follow";
      readonly leader: MemberId;
      readonly electedSet: GtidText;
      readonly leaderUuid: string;
      readonly clusterId: string;
      /** GTIDs of the markers that the leader may write in this term: no more errant than its barrier. */
      readonly markers: GtidText;
      readonly acknowledge: boolean;
    }
  /** mysqld is down and was a leader: cut what `electedSet` lacks, start, verify. */
  | { readonly verb: "rewind"; readonly electedSet: GtidText }
  | { readonly verb: "clone"; readonly donor: MemberId }
  /**
   * A row under the GTID `marker` (gtid_next): the core knows it before anyone acknowledged it. Each is used once. May
   * wait for acknowledgements; `marked` is its commit.
   */
  | { readonly verb: "mark"; readonly to: MemberId; readonly marker: GtidText }
  /** Change k on an armed mysqld, waiting commits or not; 0 turns the semi-sync source off, from 0 it is armed anew. */
  | { readonly verb: "setAcks"; readonly k: number }
  /**
   * Make sure that the member acknowledges nothing here: lock the replication account for its address (unlogged: SET
   * sql_log_bin=0), kill its dump threads, see them gone. `address` "": not known, found by the member's name.
   * Without it a leader of a new term writes no barrier: it must not fail for ever.
   */
  | { readonly verb: "exclude"; readonly member: MemberId; readonly address: string }
  /** Take the lock of `exclude` back. */
  | { readonly verb: "admit"; readonly member: MemberId; readonly address: string };
export type VerbName = Verb["verb"];

export type Action =
  | { readonly do: "persist"; readonly durable: Durable }
  | { readonly do: "send"; readonly to: MemberId; readonly message: Message }
  /** To everyone the intent names, by instance name: for a member that knows no ids yet. */
  | { readonly do: "sendByName"; readonly to: string; readonly message: Message }
  | { readonly do: "verb"; readonly term: Term; readonly verb: Verb }
  /** The lease holds until then (monotonic ms): beat the supervisor. Only while mysqld may be writable. */
  | { readonly do: "lease"; readonly until: number }
  /** mysqld may be writable from here on / is not any more: the supervisor's watchdog. */
  | { readonly do: "watchdog"; readonly armed: boolean }
  /** Write the primary's slice, conditional on the term: once the drain is over, and again when open. */
  | { readonly do: "publish"; readonly term: Term }
  /** Proxies and readiness must stop sending clients here; not waited for. */
  | { readonly do: "closeGate" }
  /** Something for people: a Kubernetes event and a log line. */
  | { readonly do: "tell"; readonly event: Told }
  /** Everything is handed over; stop mysqld (clean when `clean`) and end. */
  | { readonly do: "exit"; readonly clean: boolean };

export type Told =
  | {
      readonly what: "PrimaryElected" | "SwitchedOver" | "FailedOver";
      readonly term: Term;
      readonly reason: string;
    }
  | { readonly what: "Fenced"; readonly term: Term; readonly reason: string }
  | { readonly what: "Rewound" | "TransactionsDiscarded" | "Diverged"; readonly gtids: GtidText }
  | { readonly what: "Cloned"; readonly donor: MemberId; readonly gtids: GtidText }
  /** Joined: follows for the first time (said by itself), or became a voter (said by the leader). */
  | { readonly what: "MemberJoined" | "MemberRemoved"; readonly member: MemberId; readonly term: Term }
  /** A person gave up what only the lost majority held. */
  | { readonly what: "Recovered"; readonly clusterId: string; readonly former: string; readonly term: Term }
  | { readonly what: "VerbFailed"; readonly verb: VerbName; readonly reason: string };
