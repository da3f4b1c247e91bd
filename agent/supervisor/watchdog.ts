/**
 * When a writable mysqld must die: its agent has not beaten in time (agent.md, Fencing; I7).
 *
 * Pure: time is an argument, in monotonic milliseconds. Write safety does not hang on it (the voters fence); it
 * bounds how long an agent that stalls or dies can leave stale reads at the primary's endpoint.
 */
export interface Watchdog {
  readonly armed: boolean;
  /** The lease holds until then; meaningless while not armed. */
  readonly until: number;
}

export const DISARMED: Watchdog = { armed: false, until: 0 };

/** A beat counts also before arming: the agent beats from the moment it holds a lease. Never shortens a lease. */
export function onBeat(watchdog: Watchdog, now: number, forMs: number): Watchdog {
  return { ...watchdog, until: Math.max(watchdog.until, now + forMs) };
}

/** Arms with the lease that is left, but at least `graceMs`: the first beat may be on its way. */
export function onArm(watchdog: Watchdog, now: number, graceMs: number): Watchdog {
  if (watchdog.armed) return watchdog;
  return { armed: true, until: Math.max(watchdog.until, now + graceMs) };
}

/** Milliseconds until mysqld must be killed: 0 = now, undefined = never (not armed). */
export function msLeft(watchdog: Watchdog, now: number): number | undefined {
  return watchdog.armed ? Math.max(0, watchdog.until - now) : undefined;
}
