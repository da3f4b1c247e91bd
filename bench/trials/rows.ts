/** What is measured: the faults, under how many writers, on whom, and in which order. Pure. */

/** Porpoise, and Group Replication of the same MySQL with two sets of settings (bench/group). */
export const SUBJECTS = ["porpoise", "tuned", "default"] as const;
export type SubjectName = (typeof SUBJECTS)[number];

export const FAULTS = [
  "mysqld-sigkill",
  "pod-deleted",
  "sigstop",
  "node-lost",
  "partition",
  "switchover",
] as const;
export type FaultName = (typeof FAULTS)[number];

export interface Trial {
  readonly fault: FaultName;
  readonly writers: number;
}

/** Each row of the published figures that has a fault of its own. One writer is a cluster as good as idle. */
export const TRIALS = {
  "mysqld-sigkill": { fault: "mysqld-sigkill", writers: 1 },
  "mysqld-sigkill-8-writers": { fault: "mysqld-sigkill", writers: 8 },
  "mysqld-sigkill-32-writers": { fault: "mysqld-sigkill", writers: 32 },
  "pod-deleted": { fault: "pod-deleted", writers: 8 },
  sigstop: { fault: "sigstop", writers: 8 },
  "node-lost": { fault: "node-lost", writers: 8 },
  partition: { fault: "partition", writers: 8 },
  switchover: { fault: "switchover", writers: 8 },
} as const satisfies Record<string, Trial>;
export type TrialName = keyof typeof TRIALS;
export const TRIAL_NAMES = Object.keys(TRIALS) as TrialName[];

/** How long the former primary was away is measured in the same incidents as what its death cost. */
export const COMEBACK = { row: "ex-primary-back", of: "mysqld-sigkill-8-writers" } as const;

/** The name of a row in docs/figures/failover.json. */
export function rowName(row: string, subject: SubjectName): string {
  return subject === "porpoise" ? row : `group-replication-${subject}/${row}`;
}

/** One incident to come: which row, on whom. */
export interface Pair {
  readonly row: TrialName;
  readonly subject: SubjectName;
}

export const pairKey = ({ row, subject }: Pair): string => rowName(row, subject);

/** `ROWS` as a person writes it: names with commas; empty is all. @throws for a name that is none. */
export function chosenRows(text: string): TrialName[] {
  const words = text.split(",").map((word) => word.trim());
  const known = words.filter((word) => word !== "").map(rowFor);
  return known.length === 0 ? [...TRIAL_NAMES] : TRIAL_NAMES.filter((row) => known.includes(row));
}

function rowFor(word: string): TrialName {
  const row = word === COMEBACK.row ? COMEBACK.of : TRIAL_NAMES.find((name) => name === word);
  if (row === undefined) throw new Error(`no row ${word}; there are ${TRIAL_NAMES.join(", ")}`);
  return row;
}

/** `PEERS`: whom Porpoise is measured beside. @throws for another word. */
export function chosenSubjects(text: string): SubjectName[] {
  if (text === "" || text === "all") return [...SUBJECTS];
  if (text === "none") return ["porpoise"];
  if (text === "tuned" || text === "default") return ["porpoise", text];
  throw new Error(`PEERS is none, tuned, default or all; got ${text}`);
}

/** Incidents wanted per row, of each subject. */
export type Targets = Readonly<Partial<Record<SubjectName, number>>>;

/**
 * One round of incidents: every row once on each subject, Porpoise and its peers taking turns. Who wants fewer
 * incidents than the others is in a round now and then, evenly over the whole, so that whatever else the machine
 * does falls on all of them. Empty when nothing is left to do.
 */
export function nextRound(
  rows: readonly TrialName[],
  targets: Targets,
  done: (pair: Pair) => number,
): Pair[] {
  const most = Math.max(0, ...Object.values(targets));
  const pairs = rows.flatMap((row) =>
    SUBJECTS.filter((subject) => targets[subject] !== undefined).map((subject) => ({ row, subject })),
  );
  const share = (pair: Pair): number => done(pair) / (targets[pair.subject] ?? 1);
  const open = pairs.filter((pair) => share(pair) < 1);
  if (open.length === 0) return [];
  const least = Math.min(...open.map(share));
  // Those not further than one incident of the busiest subject ahead of the one that is furthest behind.
  return open.filter((pair) => share(pair) < least + 1 / most - 1e-9);
}
