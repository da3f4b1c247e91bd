/** What members tell each other, one way and without promise of arrival (types.ts, 5). */
import type { GtidText } from "../../api/gtid";
import type { Cause, Configuration, HandOver, MemberId, Standing, Term } from "./types";

interface Envelope {
  readonly clusterId: string;
  readonly from: MemberId;
}

/** Sent by a member without a configuration to everyone the intent names. */
export interface Hello extends Envelope {
  readonly type: "hello";
  /** Its mysqld runs on fresh data: no GTID was ever executed or received. */
  readonly empty: boolean;
  /** A witness's process. */
  readonly dataless: boolean;
}
/** The first configuration; taken only by a member without one. */
export interface Bootstrap extends Envelope {
  readonly type: "bootstrap";
  readonly config: Configuration;
}
/** Shared by pre-vote and vote requests. `term` is the term asked for (in a pre-vote: not entered yet). */
interface Candidacy extends Envelope {
  readonly term: Term;
  readonly standing: Standing;
  readonly configTerm: Term;
  readonly configVersion: number;
  /** The last term the candidate won, for voters that abstain. */
  readonly won: Term;
  /** Why it stands, for people. */
  readonly cause: Cause;
  /** The leader's term when that leader asked for this candidacy (TimeoutNow); 0 otherwise. */
  readonly transfer: Term;
}
export interface PreVote extends Candidacy {
  readonly type: "preVote";
}
export interface Vote extends Candidacy {
  readonly type: "vote";
}
export interface PreVoteReply extends Envelope {
  readonly type: "preVoteReply";
  /** The voter's own term. */
  readonly term: Term;
  /** The term that was asked for. */
  readonly askedTerm: Term;
  readonly granted: boolean;
  /**
   * The voter's configuration where the candidate's is older. Without it one loss could end all elections: who holds
   * the newer set lacks the stamp of a leader that died early, and who has the stamp lacks the set.
   */
  readonly config?: Configuration;
}
export interface VoteReply extends Envelope {
  readonly type: "voteReply";
  readonly term: Term;
  readonly granted: boolean;
}
export interface Heartbeat extends Envelope {
  readonly type: "heartbeat";
  readonly term: Term;
  /** Number of the round; echoed by the answer. The lease counts from the round's sending. */
  readonly round: number;
  readonly config: Configuration;
  /** Whether followers may replicate from the leader yet: true from semi-sync on until it steps down. */
  readonly receivable: boolean;
  readonly open: boolean;
  /** A marker the leader waits for: who does not know whether it holds it looks. */
  readonly marker?: GtidText;
  /** The set the leader was elected with. */
  readonly electedSet: GtidText;
  readonly serverUuid: string;
  readonly knownUuids: readonly string[];
  /** From whom a member that must be cloned takes its data: a healthy follower, else the leader. */
  readonly donor: MemberId;
}
export interface HeartbeatReply extends Envelope {
  readonly type: "heartbeatReply";
  /** The follower's term: higher than the leader's = step down. */
  readonly term: Term;
  readonly round: number;
  /** The term whose leader the follower's receiver runs towards; 0 = none. */
  readonly receiving: Term;
  readonly abstain: boolean;
  /** Last received set the follower saw (a hint for transfers, never for safety). */
  readonly received: GtidText;
  readonly serverUuids: readonly string[];
  /** The configuration on the follower's disk; 0, 0 = none. */
  readonly configTerm: Term;
  readonly configVersion: number;
  /** A witness's process. */
  readonly dataless: boolean;
  /** A receiver of its mysqld runs with semi-sync on, or may. */
  readonly acknowledging: boolean;
  /** For the replicas' slice; never for safety. */
  readonly health: Health;
}
/** What a follower tells about its fitness to serve reads. */
export interface Health {
  /** Reads may be served: mysqld runs, follows, is open for connections. */
  readonly serving: boolean;
  readonly lagMs: number;
  readonly address: string;
}
export interface TimeoutNow extends Envelope {
  readonly type: "timeoutNow";
  readonly term: Term;
  readonly cause: HandOver;
}
/** A follower that abstains asks the leader for a marker. */
export interface MarkerRequest extends Envelope {
  readonly type: "markerRequest";
  readonly term: Term;
}
export interface MarkerReply extends Envelope {
  readonly type: "markerReply";
  readonly term: Term;
  /** The marker's GTID: who holds it holds all that was in the leader's binary log before it. */
  readonly marker: GtidText;
}
export type Message =
  | Hello
  | Bootstrap
  | PreVote
  | PreVoteReply
  | Vote
  | VoteReply
  | Heartbeat
  | HeartbeatReply
  | TimeoutNow
  | MarkerRequest
  | MarkerReply;
