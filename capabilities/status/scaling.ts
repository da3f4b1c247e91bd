/** Whether members come or go, and what that waits for. Pure. */
import type { Observed, ObservedInstance } from "../context";
import { changeOf, hasVote } from "../members/leader";
import { viewOf } from "./view";

/** What the change of members waits for, as the end of a sentence; undefined = none is under way. */
export function scaling({ instances = [], retirement }: Partial<Observed>): string | undefined {
  const { primary } = viewOf(instances);
  const leaving =
    retirement?.waiting.map(({ name, waitsFor }) => `${name} leaves: waits for ${waitsFor}`) ?? [];
  const removed = retirement?.removed.map(({ name }) => `${name} left`) ?? [];
  const coming = primary ? instances.filter((one) => isComing(one, instances)).map(comingOf) : [];
  const all = [...leaving, ...removed, ...coming];
  return all.length === 0 ? undefined : all.join("; ").slice(0, 500);

  function comingOf({ name, member }: ObservedInstance): string {
    const change = primary && changeOf(primary);
    if (change?.name === name) return `${name} joins: waits for ${change.waitsFor}`;
    if (!member) return `${name} joins: waits for its pod`;
    return `${name} joins: ${change ? `its turn, after ${change.name}` : member.phase}`;
  }
}

/**
 * A voter that has no vote yet. With a witness a silent one may have been voted out so that writes go on: that is a
 * loss, not a growth.
 */
function isComing(instance: ObservedInstance, all: readonly ObservedInstance[]): boolean {
  const { primary } = viewOf(all);
  const { name, kind, wanted, member } = instance;
  if (!wanted || kind === "learner" || !primary || hasVote(primary, name)) return false;
  return member !== undefined || !all.some((one) => one.kind === "witness" && one.wanted);
}
