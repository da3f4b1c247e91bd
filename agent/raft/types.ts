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
import type { Action } from "./actions";
import type { Health, Heartbeat, PreVote, Vote } from "./messages";

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

export type * from "./actions";
export type * from "./messages";

// ---------------------------------------------------------------- state

export type MysqldPhase = "down" | "starting" | "running" | "rewinding" | "cloning";

export interface Follower {
  readonly role: "follower";
  readonly leader?: MemberId;
  /** When this member last answered its leader; -Infinity = never in this term. */
  readonly answeredAt: number;
  /** The last heartbeat of the leader of this term. */
  readonly heard?: Heartbeat;
  /** When the first of them came. */
  readonly heardAt?: number;
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
  /** Members of `durable.left` for which an `exclude` runs, was ever asked for in this term, has ended well. */
  readonly excluding: readonly MemberId[];
  readonly shut: readonly MemberId[];
  readonly excluded: readonly MemberId[];
  /** Locks that are to be taken back; `running`: the `admit` has been asked for. */
  readonly admitting: readonly (Left & { readonly running: boolean })[];
  /** Verbs of membership that failed in a row; until when none is tried. */
  readonly failures: number;
  readonly pausedUntil?: number;
  /** Additions given up since the last one that came about. */
  readonly givenUp: number;
  /** No other change is begun before then. */
  readonly changeAfter?: number;
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
  /** It was left behind by a recovery, and what it gives up has not been told yet. */
  readonly superseded?: boolean;
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
