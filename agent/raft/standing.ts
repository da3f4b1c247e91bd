/** Comparison of what members hold. Sets compare by containment, never by file and position. */
import {
  containsGtid,
  filterGtid,
  formatGtidSet,
  lastOf,
  parseGtidSet,
  subtractGtid,
  unionGtid,
  type GtidText,
} from "../../api/gtid";
import type { Configuration, Durable, Standing, Term } from "./types";

/** What a member shows for itself: `received` less what is named errant (agent.md, received set). */
export function standingOf(durable: Durable, received: GtidText): Standing {
  const own = subtractText(received, durable.quarantined);
  return { lastTerm: lastTermOf(own, durable.clusterId), received: own };
}

/** The highest barrier in the set: barriers are the GTIDs `<cluster id>:<term>`. */
export function lastTermOf(received: GtidText, clusterId: string): number {
  return clusterId === "" ? 0 : lastOf(parseGtidSet(received), clusterId);
}

/** Markers of one term; a leader that used them up hands over. */
const MARKERS_PER_TERM = 1_000_000;

/**
 * Source of the markers' GTIDs: the cluster id with another last digit. The core names a marker before it is written:
 * whether someone holds it is known without waiting for its commit, which may wait for the very member that is added.
 */
export function markerSource(clusterId: string): string {
  const last = (parseInt(clusterId.slice(-1), 16) ^ 1).toString(16);
  return clusterId.slice(0, -1) + last;
}

/** The n-th marker of a term, from 1. None is ever tried twice: MySQL skips a known GTID and says OK. */
export const markerOf = (clusterId: string, term: Term, n: number): GtidText =>
  `${markerSource(clusterId)}:${term * MARKERS_PER_TERM + n}`;

/** All that the leader of the term may use. */
export const markersOf = (clusterId: string, term: Term): GtidText =>
  `${markerSource(clusterId)}:${term * MARKERS_PER_TERM}-${(term + 1) * MARKERS_PER_TERM - 1}`;

/** Higher lastTerm, or the same and a set that contains the other's (I11). */
export function dominates(a: Standing, b: Standing): boolean {
  if (a.lastTerm !== b.lastTerm) return a.lastTerm > b.lastTerm;
  return containsText(a.received, b.received);
}

/** Whether set `a` has all of set `b`. */
export function containsText(a: GtidText, b: GtidText): boolean {
  return a === b || b === "" || containsGtid(parseGtidSet(a), parseGtidSet(b));
}

/** `a` without `b`. */
export function subtractText(a: GtidText, b: GtidText): GtidText {
  return b === "" ? a : formatGtidSet(subtractGtid(parseGtidSet(a), parseGtidSet(b)));
}

/** The part of the set that one server wrote. */
export function ofServer(set: GtidText, serverUuid: string): GtidText {
  return formatGtidSet(filterGtid(parseGtidSet(set), (uuid) => uuid === serverUuid.toLowerCase()));
}

/** All of both. */
export function unionText(a: GtidText, b: GtidText): GtidText {
  return formatGtidSet(unionGtid(parseGtidSet(a), parseGtidSet(b)));
}

/** Whether configuration (term, version) `a` is newer than `b` (Schultz et al., OPODIS 2021). */
export function configNewer(
  a: Pick<Configuration, "term" | "version">,
  b: Pick<Configuration, "term" | "version"> | undefined,
): boolean {
  return b === undefined || a.term > b.term || (a.term === b.term && a.version > b.version);
}

/**
 * Whether a crash explains that a member holds GTIDs an elected leader lacks. Explained: another member's tail that
 * was received but never acknowledged, a barrier that lost, or the own tail of a member that led. Not explained:
 * own GTIDs of a member that had not led (someone wrote on a replica), or a source nobody knows.
 */
export function explained(durable: Durable, errant: GtidText): boolean {
  const ids = [durable.clusterId, ...durable.former].flatMap((id) => [id, markerSource(id)]);
  const others = filterGtid(parseGtidSet(errant), (uuid) => !ids.includes(uuid) && !isMembers(durable, uuid));
  return others.size === 0;
}

function isMembers(durable: Durable, uuid: string): boolean {
  const own = durable.serverUuids.includes(uuid);
  return own ? durable.tail : durable.knownUuids.includes(uuid);
}
