/**
 * Which bundle the agent runs from. Pure.
 *
 * A bundle that was sent is on trial: it becomes the agent's only after it has connected and lived a while. One that
 * ends too often before, or never connects, is given up, and the proven one comes back.
 */
export interface Bundles {
  readonly proven: string;
  readonly trial?: string;
  /** Ends of the one on trial so far. */
  readonly failures: number;
  /** Why the last one on trial was given up; for people. */
  readonly refused?: string;
}

const TRIES = 3;
/** After connecting: the agent has read its state and attached to mysqld long before. */
export const PROVEN_MS = 5_000;
/** From its start to its connection. */
export const CONNECT_LIMIT_MS = 20_000;

export const onlyProven = (proven: string): Bundles => ({ proven, failures: 0 });

export const bundleToRun = ({ proven, trial }: Bundles): string => trial ?? proven;

export function onTrial({ proven }: Bundles, trial: string): Bundles {
  return { proven, trial, failures: 0 };
}

/** The agent ended; `how` is for people. */
export function onEnd(bundles: Bundles, how: string): Bundles {
  if (bundles.trial === undefined) return bundles;
  const failures = bundles.failures + 1;
  if (failures < TRIES) return { ...bundles, failures };
  const refused = `the bundle was started ${TRIES} times and never held; last: ${how}`;
  return { proven: bundles.proven, failures: 0, refused };
}

/** It works; the caller has put it in the proven one's place. */
export const onProven = ({ proven }: Bundles): Bundles => onlyProven(proven);
