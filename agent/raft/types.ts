/**
 * The agent's core: election, promotion, fencing and the way back of an ex-primary (agent.md), as data.
 *
 * `step(state, event, input)` is the only entry. It is pure: no I/O, clock or chance of its own; time and chance
 * come in with `input`. It returns the new state and the actions to carry out. What the caller owes it, in order:
 *
 *  1. Actions are carried out in the order given. `persist` is on disk (fsync of file and directory) before any
 *     later `send` of the same or a later step leaves (I3, I4).
 *  2. A `verb` is started at its place in the order and not waited for; its end comes back as the event of the
 *     same name with the `term` it was given. A verb ends exactly once, also when it fails: then `failed` comes.
 *     `stopReceiver` and `follow` move the same receiver: the port runs them one after the other, in the order given.
 *  3. When `durable.term` has grown, the caller supersedes the port (MysqlPort.supersede): statements of an older
 *     term are killed and end as `failed`, which is ignored here. `startMysqld`, `rewind`, `clone` and `fence` are
 *     bound to no term: they go on, and their ends count whatever the term.
 *  4. The caller steps a `timer` event at `nextDeadline(state)` at the latest. Late is safe, early is harmless.
 *  5. Messages may be lost, doubled, delayed and reordered; they are never altered (mutual TLS).
 *  6. `now` never goes back while the process lives (a monotonic clock); its zero has no meaning between processes.
 */
import type { GtidText } from "../../api/gtid";
import type { Health, Heartbeat, Message, PreVote, Vote } from "./messages";

/** `<instance>.<nonce>`: a volume's identity. An emptied volume is a new member. */
export type MemberId = string;
export type Term = number;

/** Voters and their arithmetic. Ordered by (term, version): see `configNewer`. */
export interface Configuration {
  readonly term: Term;
  readonly version: number;
  readonly voters: readonly MemberId[];
  /** Voters that hold no data (I6: they never acknowledge). */
  readonly witnesses: readonly MemberId[];
  /** Acknowledgements a commit waits for. */
  readonly k: number;
}

/** What the intent wants a member to be. */
export type WantedRole = "voter" | "witness" | "learner";
/** `name`: an instance's name. Its member id is the volume's business: an emptied one is another member. */
export interface Wanted {
  readonly name: string;
  readonly role: WantedRole;
}

/** A data voter that left the configuration and may still acknowledge: nobody has seen it stop. */
export interface Left {
  readonly member: MemberId;
  /** Where it was last seen; "" = not known here. */
  readonly address: string;
}

/** What a candidate shows: compared by `dominates`, never by file and position. */
export interface Standing {
  /** The highest barrier in `received`. */
  readonly lastTerm: Term;
  readonly received: GtidText;
}

/** Why a leader gives its term up and asks another to stand. */
export type HandOver = "transfer" | "mysqld-died" | "stalled";
/** Why a member came to power. */
export type Cause = HandOver | "leader-silent";

/** What must survive a crash of the agent: `state.json`. */
export interface Durable {
  readonly memberId: MemberId;
  /** UUID of the cluster, source of the barriers' GTIDs; "" until the member belongs to one. */
  readonly clusterId: string;
  /** The ids it had before recoveries from the loss of a majority, oldest first. */
  readonly former: readonly string[];
  readonly term: Term;
  readonly vote?: MemberId;
  readonly config?: Configuration;
  /** The last term this member won. */
  readonly ledTerm: Term;
  /**
   * Since it won, the member has not followed anyone: its binary log may end in commits that nobody
   * acknowledged. Its mysqld, once dead, is not started before an elected leader or an election timeout has spoken.
   */
  readonly tail: boolean;
  /**
   * Its mysqld was started with that tail uncut, since nobody led: recovery has committed it in the engine, so that no
   * cut can take it back, and finding it there later is no alarm.
   */
  readonly uncut: boolean;
  /** The last term this member opened for writes (its barrier was acknowledged). */
  readonly openedTerm: Term;
  /** The last term whose leader this member received from. */
  readonly receivedTerm: Term;
  /** A term given up for ever (transfer, death of mysqld); never led again. */
  readonly relinquished: Term;
  /** The member must not stand and votes only as `mayVoteFor` says (agent.md, abstain). */
  readonly abstain: boolean;
  /** Set before a CLONE begins, cleared when mysqld runs on the clone: an interrupted clone is begun again. */
  readonly cloning: boolean;
  /** GTIDs that make this member diverged and that no crash explains; "" = none. Rebuilt only by policy (I9). */
  readonly quarantined: GtidText;
  /** Every server UUID this member's mysqld ever had. */
  readonly serverUuids: readonly string[];
  /** Server UUIDs of all members, past and present, as heartbeats told. */
  readonly knownUuids: readonly string[];
  /**
   * Data voters that left the configuration while it was on this disk and that nobody saw stop: their receivers may
   * still run towards this member from a term it led, and acknowledge.
   */
  readonly left: readonly Left[];
}

/** Timing the election depends on, all in ms; see timing.ts for what follows from what. */
export interface Tuning {
  readonly heartbeatMs: number;
  readonly electionMinMs: number;
  readonly electionMaxMs: number;
  /** lease + time to fence < electionMinMs */
  readonly leaseMs: number;
  /** false: stands only when told to (TimeoutNow). */
  readonly autoFailover: boolean;
}

export type * from "./messages";

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
  /** Flushes 1, semi-sync on with k, timeout read back, wait_no_replica on. */
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

// ---------------------------------------------------------------- state

export type MysqldPhase = "down" | "starting" | "running" | "rewinding" | "cloning";

export interface Follower {
  readonly role: "follower";
  readonly leader?: MemberId;
  /** When this member last answered its leader; -Infinity = never in this term. */
  readonly answeredAt: number;
  /** The last heartbeat of the leader of this term. */
  readonly heard?: Heartbeat;
  /** A `follow` verb runs or has ended well. */
  readonly follow: "no" | "asked" | "done";
  /** What that verb was told. */
  readonly acknowledge?: boolean;
  /** The marker asked for, while abstaining. */
  readonly marker?: GtidText;
  readonly markerAskedAt?: number;
}
export interface Candidate {
  readonly role: "preCandidate" | "candidate";
  /** The term asked for: durable.term + 1 as pre-candidate, durable.term as candidate. */
  readonly term: Term;
  readonly standing?: Standing;
  readonly votes: readonly MemberId[];
  readonly transfer: Term;
  readonly cause: Cause;
  readonly since: number;
}
export type LeaderPhase =
  | "draining"
  | "arming"
  | "gathering"
  | "barrier"
  | "leasing"
  | "opening"
  | "open"
  | "quiescing";
export interface Peer {
  readonly id: MemberId;
  /** Highest round answered and when that round was sent. */
  readonly round: number;
  readonly answeredAt: number;
  readonly receiving: Term;
  readonly received: GtidText;
  readonly abstain: boolean;
  readonly health?: Health;
  /** The configuration on its disk. */
  readonly configTerm: Term;
  readonly configVersion: number;
  /** It runs a receiver that acknowledges, or does not know. */
  readonly acknowledging: boolean;
  /** Sending time of the newest round whose answer said that it receives from this leader; -Infinity = none. */
  readonly followedAt: number;
}

/** A change of the configuration under way (membership.ts). */
export interface Change {
  readonly kind: "add" | "remove";
  readonly member: MemberId;
  /**
   * add: it holds what the leader has, nearly (catchingUp) → k raised (raising) → it and others hold a marker
   * (holding) → in the configuration, which spreads.
   * remove: out of the configuration, which spreads → seen to be silent (silencing) → the rest holds a marker
   * (holding) → k lowered.
   */
  readonly stage: "catchingUp" | "raising" | "holding" | "spreading" | "silencing" | "lowering";
  readonly marker?: GtidText;
  /** Monotonic ms: since when it is in this stage. */
  readonly since: number;
}
export interface Leader {
  readonly role: "leader";
  readonly phase: LeaderPhase;
  readonly electedSet: GtidText;
  readonly electedAt: number;
  /** When the candidacy began. */
  readonly electionStartedAt: number;
  readonly cause: Cause;
  readonly round: number;
  /** Sending time of recent rounds, oldest first. */
  readonly rounds: readonly { readonly round: number; readonly sentAt: number }[];
  readonly leaseUntil: number;
  readonly peers: Readonly<Record<MemberId, Peer>>;
  readonly transferTo?: string;
  readonly reason: string;
  /** What mysqld is armed with; undefined while a `setAcks` runs. */
  readonly acks?: number;
  /** Markers used in this term. */
  readonly markers: number;
  readonly change?: Change;
  /** Members of `durable.left` for which an `exclude` runs or has ended well in this term. */
  readonly excluding: readonly MemberId[];
  readonly excluded: readonly Left[];
}
export type Role = Follower | Candidate | Leader;

/** Outside the configuration: a learner, or who is to become a voter. */
export interface Observer {
  readonly id: MemberId;
  readonly dataless: boolean;
}

/** A vote request that waits for the fence or the receiver. */
export interface Ballot {
  readonly request: Vote;
  readonly stage: "fencing" | "stopping";
}

export interface State {
  readonly durable: Durable;
  /** The process of a witness: no mysqld, no verb is ever asked for, it never stands. */
  readonly dataless: boolean;
  readonly role: Role;
  readonly tuning: Tuning;
  readonly startedAt: number;
  readonly mysqld: MysqldPhase;
  /** mysqld may be open for writes, or may still acknowledge commits of an own term: fence before any vote. */
  readonly writable: boolean;
  /** A `fence` verb runs. */
  readonly fencing: boolean;
  readonly serverUuid: string;
  /** Last set seen; a hint, and exact right after `receiverStopped`. */
  readonly received: GtidText;
  readonly health: Health;
  readonly ballot?: Ballot;
  /** Why an election is on, as its candidates said; for people. */
  readonly cause?: Cause;
  /** Pre-votes that wait for a `readReceived`. */
  readonly preVotes: readonly PreVote[];
  /** What the intent said; undefined until it came. */
  readonly intent?: {
    readonly clusterId: string;
    readonly members: readonly Wanted[];
    readonly initialised: boolean;
  };
  /** Config-less members heard of, by instance name. */
  readonly hellos: Readonly<
    Record<
      string,
      { readonly id: MemberId; readonly empty: boolean; readonly dataless: boolean; readonly at: number }
    >
  >;
  /** Members outside the configuration that replicate (learners). */
  readonly observers: readonly Observer[];
  /** A receiver of this member's mysqld may run and acknowledge. */
  readonly acknowledging: boolean;
  readonly shuttingDown: boolean;
  /** It has followed since its mysqld started: a re-point is no news. */
  readonly joined: boolean;
  /** Verbs that failed in a row; spaces the tries. */
  readonly failures: number;
  readonly deadlines: Deadlines;
}

/** Times (monotonic ms) at which `timer` wants to come. */
export interface Deadlines {
  /** Stand for election, or repeat a candidacy that got stuck. */
  readonly election?: number;
  readonly heartbeat?: number;
  readonly lease?: number;
  /** Start an ex-leader's mysqld uncut: no elected leader was heard. */
  readonly recover?: number;
  readonly hello?: number;
  /** A failed verb is tried again. */
  readonly retry?: number;
  /** The end of a transfer or shutdown that does not come to an end. */
  readonly transfer?: number;
}

export type Step = readonly [state: State, actions: readonly Action[]];
