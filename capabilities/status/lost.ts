/** A member that does not come back: since when, and what a person can do. Pure. */
import { formatDuration } from "../../api/duration";
import { names } from "../../api/names";
import type { ObservedInstance } from "../context";
import type { Facts } from "./conditions";

/** A pod that is moved, an image that is pulled, a node that reboots: all are done by then, or will not be. */
const LOST_MS = 300_000;
const MINUTE_MS = 60_000;

/** Since when a member has not answered, RFC 3339; undefined while it answers, and before it ever did. */
export function silentSince({ name, member }: ObservedInstance, { cluster, now }: Facts): string | undefined {
  if (member) return undefined;
  const before = cluster.status?.members?.find((one) => one.name === name);
  const isNew = before === undefined || (before.role === "unknown" && before.silentSince === undefined);
  return isNew ? undefined : (before.silentSince ?? now.toISOString().replace(/\.\d+Z$/, "Z"));
}

/**
 * What to do about a member that is silent for minutes: give its place to a new one. An emptied volume is a new
 * member: it is taken in from the others' data and the old one voted out.
 */
export function lostAdvice(instance: ObservedInstance, facts: Facts): string | undefined {
  const since = silentSince(instance, facts);
  if (since === undefined || !instance.wanted) return undefined;
  const silentMs = facts.now.getTime() - Date.parse(since);
  if (silentMs < LOST_MS) return undefined;
  // Whole minutes: the status is not to change every second.
  const minutes = formatDuration(Math.floor(silentMs / MINUTE_MS) * MINUTE_MS);
  const { name } = instance;
  const where = instance.pod?.node === undefined ? "" : ` on ${instance.pod.node}`;
  const commands = `kubectl delete pvc ${names.dataVolume(name)} --wait=false; kubectl delete pod ${names.pod(name)} --force`;
  return `silent for ${minutes}${where}. If it is lost for good, replace it: ${commands}`;
}
