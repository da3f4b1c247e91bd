/** What the member is doing or waiting for, in one sentence for people. Pure: every state has exactly one. */
import { instanceOf } from "../names";
import { changeWaitsFor } from "../raft";
import type { Candidate, Follower, Leader, State } from "../raft/types";

export interface Behind {
  /** Told by mysqld's snapshot. */
  readonly lagMs?: number;
  /** A delayed learner's. */
  readonly delayMs?: number;
}

/** The sentence of a state. */
export function phaseSentence(state: State, behind: Behind = {}): string {
  const { durable, role } = state;
  if (role.role === "leader") return leaderSentence(state, role);
  if (state.shuttingDown) return "stops mysqld and ends";
  if (durable.quarantined !== "")
    return `diverged: holds ${durable.quarantined}, which no leader has; serves nothing until it is rebuilt`;
  if (durable.config === undefined) return joiningSentence(state);
  const mysqld = mysqldSentence(state);
  if (mysqld !== undefined) return mysqld;
  if (role.role !== "follower") return candidateSentence(state, role);
  return followerSentence(state, role, behind);
}

function leaderSentence(state: State, role: Leader): string {
  const term = state.durable.term;
  const k = state.durable.config?.k ?? 0;
  const needs = k === 1 ? "1 replica" : `${k} replicas`;
  switch (role.phase) {
    case "draining":
      return `elected in term ${term}; applies what it had received`;
    case "arming":
      return `elected in term ${term}; sets up semi-synchronous replication`;
    case "gathering":
      return `elected in term ${term}; waits for ${needs} to replicate from it`;
    case "barrier":
      return `elected in term ${term}; waits for ${needs} to acknowledge its first transaction`;
    case "leasing":
      return `elected in term ${term}; waits for a majority to confirm its lease`;
    case "opening":
      return `elected in term ${term}; opens for writes`;
    case "open":
      return `primary of term ${term}, open for writes${changing(role)}`;
    case "quiescing":
      return `hands over term ${term}${role.transferTo ? ` to ${role.transferTo}` : ""}; lets waiting commits end`;
  }
}

function changing({ change }: Leader): string {
  if (change === undefined) return "";
  const what = change.kind === "add" ? "takes in" : "lets go of";
  return `; ${what} ${instanceOf(change.member)}: waits for ${changeWaitsFor(change)}`;
}

function joiningSentence({ intent, hellos, mysqld, durable, dataless }: State): string {
  const witness = dataless ? "witness; " : "";
  if (intent === undefined) return `${witness}waits for the controller's first intent`;
  if (intent.initialised) return `${witness}waits for the leader to take it into the cluster`;
  if (mysqld !== "running" && !dataless) return "initialises its data directory and starts mysqld";
  const self = instanceOf(durable.memberId);
  const missing = intent.members
    .filter(({ name, role }) => role !== "learner" && name !== self && hellos[name]?.empty !== true)
    .map(({ name }) => name);
  if (missing.length === 0) return `${witness}forms the new cluster`;
  return `${witness}waits for ${missing.join(", ")} to form the new cluster`;
}

function mysqldSentence(state: State): string | undefined {
  switch (state.mysqld) {
    case "cloning":
      return "takes a clone of another member's data";
    case "rewinding":
      return "cuts off the transactions that the new primary lacks, then starts mysqld";
    case "starting":
      return "starts mysqld";
    case "down":
      if (state.durable.cloning) return "its data cannot be used; waits for a leader to clone from";
      if (state.deadlines.recover !== undefined)
        return "was primary when mysqld stopped; waits for a newer leader before it starts mysqld";
      return isWitness(state) ? undefined : "mysqld is down; about to start it";
    case "running":
      return undefined;
  }
}

function candidateSentence({ durable }: State, role: Candidate): string {
  const needed = Math.floor((durable.config?.voters.length ?? 1) / 2) + 1;
  const votes = `${role.votes.length} of ${needed} votes`;
  if (role.role === "preCandidate")
    return `hears no leader; asks who would elect it in term ${role.term} (${votes})`;
  return `stands for election in term ${role.term} (${votes})`;
}

function followerSentence(state: State, role: Follower, { lagMs, delayMs = 0 }: Behind): string {
  const { durable, ballot } = state;
  if (ballot) return `votes on ${instanceOf(ballot.request.from)} in term ${ballot.request.term}`;
  if (role.leader === undefined)
    return durable.abstain ? "hears no leader; abstains from standing" : "hears no leader yet";
  const leader = instanceOf(role.leader);
  if (isWitness(state)) return `witness; hears ${leader}, primary of term ${durable.term}`;
  if (role.follow === "asked") return `turns its replication towards ${leader}`;
  if (role.follow === "no") return `hears ${leader}; waits to replicate from it`;
  const abstains = durable.abstain ? "; abstains from elections until it has caught up" : "";
  if (delayMs > 0) return `replicates from ${leader}, ${(delayMs / 1000).toFixed(0)} s late on purpose`;
  const lag = lagMs === undefined || lagMs < 1000 ? "" : `, ${(lagMs / 1000).toFixed(1)} s behind`;
  return `replicates from ${leader}${lag}${abstains}`;
}

function isWitness({ durable, dataless }: State): boolean {
  return dataless || (durable.config?.witnesses.includes(durable.memberId) ?? false);
}
