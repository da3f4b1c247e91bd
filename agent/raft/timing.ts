/**
 * What the two numbers a user may set mean for the election (agent.md, Election).
 *
 * A follower stands after a silence drawn from 0.6 to 1.2 times the election timeout. The lease must end, and the
 * fence hold, before the shortest of those: `leaseMs + FENCE_MS < electionMinMs` (I7).
 */
import type { Timing } from "../../api/agent";
import type { Tuning } from "./types";

/** Budget for offline_mode + KILL, and then SIGKILL: 45 ms at 0.5 GB (mysql-facts C), with room. */
export const FENCE_MS = 100;

/** Election timing in ms from the user's `failover` block. */
export function tuningOf({ heartbeatMs, electionTimeoutMs }: Timing, autoFailover: boolean): Tuning {
  const electionMinMs = Math.round(electionTimeoutMs * 0.6);
  const electionMaxMs = Math.round(electionTimeoutMs * 1.2);
  return { heartbeatMs, electionMinMs, electionMaxMs, leaseMs: electionMinMs - FENCE_MS - 1, autoFailover };
}

/** A random moment in the election timeout's range; `chance` in [0, 1). */
export function electionDelay({ electionMinMs, electionMaxMs }: Tuning, chance: number): number {
  return electionMinMs + Math.floor(chance * (electionMaxMs - electionMinMs));
}

/** How long to wait before a failed verb is tried again: 200 ms, doubled each time, at most 10 s. */
export function retryDelayMs(failures: number): number {
  return Math.min(10_000, 200 * 2 ** Math.min(failures, 6));
}
