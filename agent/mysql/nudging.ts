/**
 * When the leader must write a row to free commits whose acknowledgement was lost (agent.md, Nudge). Pure.
 *
 * An acknowledgement lost with its connection never comes again; one for any later position frees all before it
 * (mysql-facts D). Acknowledgements of a new client are first read at a tick of one second, or when another comes
 * (C): so also on each change of clients.
 */
export interface SemiSyncStatus {
  readonly on: boolean;
  readonly clients: number;
  /** Sessions that wait; MySQL counts one for a group. */
  readonly waiting: number;
  /** Grows with each acknowledged commit. */
  readonly acknowledged: number;
}

export interface NudgeState {
  readonly clients: number;
  readonly acknowledged: number;
  /** Since when commits have waited without progress; undefined = none waits. */
  readonly stalledAt?: number;
  readonly nudgedAt: number;
  /** Nudges in a row without progress; spaces them. */
  readonly nudges: number;
}

export const NO_NUDGE: NudgeState = { clients: 0, acknowledged: 0, nudgedAt: -Infinity, nudges: 0 };
/** More than so many that hang at once would be a pile; a leader without a quorum steps down long before. */
export const NUDGE_SLOTS = 8;

/** The next state, and whether to write now. `nudgeMs`: how long a commit may wait without progress. */
export function onStatus(
  state: NudgeState,
  status: SemiSyncStatus,
  { now, nudgeMs }: { readonly now: number; readonly nudgeMs: number },
): readonly [NudgeState, nudge: boolean] {
  const changed = status.clients !== state.clients;
  const progress = status.acknowledged !== state.acknowledged || status.waiting === 0;
  const stalledAt = status.waiting === 0 ? undefined : progress ? now : (state.stalledAt ?? now);
  const nudges = progress ? 0 : state.nudges;
  const next = { ...state, clients: status.clients, acknowledged: status.acknowledged, stalledAt, nudges };
  if (status.clients === 0 || (status.waiting === 0 && !changed)) return [next, false];
  // The first after nudgeMs, each further one after twice the wait: a nudge may have lost its acknowledgement too.
  const wait = nudgeMs * 2 ** Math.min(nudges, 4);
  const since = Math.max(stalledAt ?? now, state.nudgedAt);
  const nudge = changed || now - since >= wait;
  return [nudge ? { ...next, nudgedAt: now, nudges: nudges + 1 } : next, nudge];
}
