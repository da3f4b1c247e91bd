/** Arithmetic of GTID sets the verbs need. Pure. */
import {
  containsGtid,
  filterGtid,
  formatGtidSet,
  parseGtidSet,
  subtractGtid,
  unionGtid,
  type GtidSet,
  type GtidText,
} from "../../api/gtid";
import type { Sets } from "./options";

/** The received set: retrieved ∪ executed. */
export function receivedOf({ retrieved, executed }: Sets): GtidText {
  return formatGtidSet(unionGtid(parseGtidSet(retrieved), parseGtidSet(executed)));
}

/** Whether the relay log holds something that is not executed yet. */
export function leftToApply({ retrieved, executed }: Sets): boolean {
  return !containsGtid(parseGtidSet(executed), parseGtidSet(retrieved));
}

export interface Leadership {
  readonly electedSet: GtidText;
  readonly leaderUuid: string;
  readonly clusterId: string;
  /** GTIDs of the markers it may write in its term. */
  readonly markers: GtidText;
  readonly term: number;
}

/**
 * What a follower received that its leader lacks: not in the set it was elected with, not written by it since, not
 * its barrier, not its markers (agent.md, Re-point). "" = nothing. A leader's UUID is never used twice: every cut gives a new one.
 */
export function errantOf(
  received: GtidText,
  { electedSet, leaderUuid, clusterId, markers, term }: Leadership,
): GtidText {
  const beyond = subtractGtid(parseGtidSet(received), parseGtidSet(electedSet));
  const foreign = filterGtid(beyond, (uuid) => uuid !== leaderUuid.toLowerCase());
  return formatGtidSet(subtractGtid(foreign, parseGtidSet(`${clusterId}:${term},${markers}`)));
}

/** Since when the member has known of something it has not executed; a clock of its own, no other's. */
export interface LagSample {
  readonly at: number;
  readonly received: GtidSet;
}

/** Keeps the oldest sample that is not executed yet and those after it. Unchanged sets are not sampled again. */
export function onLagSample(
  samples: readonly LagSample[],
  now: LagSample,
  executed: GtidSet,
): readonly LagSample[] {
  const last = samples.at(-1);
  const news = last === undefined || !containsGtid(last.received, now.received) ? [now] : [];
  return [...samples, ...news].filter(({ received }) => !containsGtid(executed, received));
}

/** Milliseconds the applier is behind the receiver. */
export function lagMs(samples: readonly LagSample[], now: number): number {
  return samples[0] === undefined ? 0 : Math.round(now - samples[0].at);
}
