/** Which faults, on whom, when: all drawn from one number before the first of them strikes. Pure. */
import { random as seeded } from "../../bench/result";
import { FAULTS, NEEDS_DATA, NEEDS_PEERS, type FaultName } from "./faults";
import { LOADS, type LoadName } from "./loads";

/** Numbers in [0, 1). */
export type Random = () => number;

/** On whom, in the moment it strikes. */
export type Role = "leader" | "follower";

/** What the second fault of an incident waits for (at most 3 s: then it strikes all the same). */
export type Moment = "at once" | "election" | "drain" | "rewind" | "clone";

export interface Stroke {
  readonly fault: FaultName;
  readonly on: Role;
  /** From the moment it waits for, ms. */
  readonly delayMs: number;
  /** Until it is undone, ms. */
  readonly lastsMs: number;
  /** Picks the member among those of the role, and all that the fault itself leaves open. */
  readonly seed: number;
}

export interface Second extends Stroke {
  readonly moment: Moment;
}

export interface IncidentPlan {
  readonly number: number;
  /** Of the clients' choices. */
  readonly seed: number;
  readonly load: LoadName;
  readonly first: Stroke;
  readonly second?: Second;
}

export interface PlanOptions {
  readonly seed: number;
  readonly count: number;
  /** All members, the witness included. */
  readonly members: number;
  /** Only this fault; default: all that the members allow. */
  readonly only?: FaultName;
  /** One of these goes on in every incident; default: any, in a third of them. */
  readonly loads?: readonly LoadName[];
}

/** How often, relative to 1, where that is not 1. */
const WEIGHTS: Partial<Record<FaultName, number>> = {
  "mysqld-sigkill": 4,
  "pod-killed": 3,
  "pod-frozen": 2,
  "node-lost": 3,
  isolated: 3,
  split: 2,
  "pod-deleted": 2,
  transfer: 2,
};

/** The incidents of a run. The same options give the same list; a longer list begins like a shorter one. */
export function plan({ seed, count, members, only, loads }: PlanOptions): IncidentPlan[] {
  const random = seeded(seed);
  const allowed = (Object.keys(FAULTS) as FaultName[]).filter(
    (name) => members > 1 || !NEEDS_PEERS.has(name),
  );
  const faults = only === undefined ? allowed : [only];
  const busy = (Object.keys(LOADS) as LoadName[]).filter((name) => name !== "none");
  return Array.from({ length: count }, (_, at) => {
    const load = loads ? pick(loads, random) : random() < 0.3 ? pick(busy, random) : "none";
    const first = stroke(faults, random);
    const second = random() < 0.3 && only === undefined ? secondStroke(faults, random) : undefined;
    return { number: at + 1, seed: whole(random), load, first, second };
  });
}

function stroke(faults: readonly FaultName[], random: Random): Stroke {
  const fault = weighted(faults, random);
  // Most of what is worth seeing happens to the leader.
  const on = random() < 0.65 ? "leader" : "follower";
  const lastsMs = random() < 0.3 ? between(50, 700, random) : between(800, 3_000, random);
  return { fault, on, delayMs: between(0, 800, random), lastsMs, seed: whole(random) };
}

function secondStroke(faults: readonly FaultName[], random: Random): Second {
  const moment = pick(["at once", "election", "drain", "rewind", "clone"] as const, random);
  const short = random() < 0.6;
  return { ...stroke(faults, random), delayMs: between(0, short ? 100 : 1_500, random), moment };
}

/** Whether the fault can be done to that member. */
export const fits = (fault: FaultName, member: { readonly witness: boolean }): boolean =>
  !member.witness || !NEEDS_DATA.has(fault);

function weighted(faults: readonly FaultName[], random: Random): FaultName {
  const total = faults.reduce((sum, name) => sum + (WEIGHTS[name] ?? 1), 0);
  let left = random() * total;
  for (const name of faults) {
    left -= WEIGHTS[name] ?? 1;
    if (left < 0) return name;
  }
  return faults[0] ?? "mysqld-sigkill";
}

export function pick<T>(from: readonly T[], random: Random): T {
  const found = from[Math.floor(random() * from.length)];
  if (found === undefined) throw new Error("nothing to choose from");
  return found;
}

const between = (low: number, high: number, random: Random): number =>
  Math.round(low + random() * (high - low));
const whole = (random: Random): number => Math.floor(random() * 2 ** 31);
