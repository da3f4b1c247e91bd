/** Whether this member serves, and as what. Pure; the probes, the proxies' checks and the status ask here (I7, I9). */
import type { MemberRole } from "../../api/agent";
import { isVoter } from "../raft";
import type { State } from "../raft/types";

export interface Moment {
  readonly state: State;
  /** Monotonic ms of the agent's clock. */
  readonly now: number;
  /** False from the core's `closeGate` until it publishes a new leadership. */
  readonly gateOpen: boolean;
  /** A delayed learner applies so late on purpose; 0 or absent = it is none. */
  readonly delayMs?: number;
}

/** True only while the lease holds and the primary is open for writes (I7). */
export function servesPrimary({ state, now, gateOpen }: Moment): boolean {
  const { role } = state;
  return gateOpen && role.role === "leader" && role.phase === "open" && role.leaseUntil > now;
}

/** True when the member follows the leader it knows and its mysqld takes reads (I9: never when diverged). */
export function servesReplica({ state }: Moment): boolean {
  return follows(state) && state.health.serving;
}

function follows({ role, durable }: State): boolean {
  const done = role.role === "follower" && role.leader !== undefined && role.follow === "done";
  return done && durable.quarantined === "";
}

/** True when the member does its part. */
export function isReady(moment: Moment): boolean {
  const { state } = moment;
  if (memberRole(state) === "witness")
    return state.role.role === "follower" && state.role.leader !== undefined && isVoter(state);
  // A delayed learner serves no Service, and does its part all the same.
  if ((moment.delayMs ?? 0) > 0 && follows(state)) return true;
  return servesPrimary(moment) || servesReplica(moment);
}

/**
 * The role the member has in the cluster; also the pod's label. A candidate, and a leader that is not open, count as
 * replicas: the label changes once in a failover.
 */
export function memberRole(state: State): MemberRole {
  const { durable, role } = state;
  if (state.dataless) return "witness";
  const config = durable.config;
  if (durable.quarantined !== "" || config === undefined) return "unknown";
  if (role.role === "leader" && role.phase === "open") return "primary";
  if (config.witnesses.includes(durable.memberId)) return "witness";
  return config.voters.includes(durable.memberId) ? "replica" : "learner";
}
