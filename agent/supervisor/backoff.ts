/** How long to wait before a crashed agent is started again. Pure. */

export interface BackOff {
  readonly delayMs: number;
}

/** At once the first time (a leader's lease runs), then doubled. */
export const FIRST: BackOff = { delayMs: 0 };
const LEAST_MS = 100;
const MOST_MS = 5_000;
/** An agent that lived this long had no trouble starting. */
const HEALTHY_MS = 10_000;

/** The back-off after an agent that lived `livedMs` has ended. */
export function onAgentExit(
  previous: BackOff,
  livedMs: number,
): { readonly waitMs: number; readonly next: BackOff } {
  const waitMs = livedMs >= HEALTHY_MS ? 0 : previous.delayMs;
  return { waitMs, next: { delayMs: Math.min(MOST_MS, Math.max(LEAST_MS, waitMs * 2)) } };
}
