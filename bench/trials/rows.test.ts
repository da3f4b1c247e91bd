import { expect, test } from "vitest";
import {
  chosenRows,
  chosenSubjects,
  nextRound,
  pairKey,
  TRIAL_NAMES,
  type Targets,
  type TrialName,
} from "./rows";

/** Plays all rounds; returns the order of incidents. */
function play(rows: readonly TrialName[], targets: Targets): string[] {
  const counts = new Map<string, number>();
  const order: string[] = [];
  for (let rounds = 0; rounds < 1000; rounds++) {
    const round = nextRound(rows, targets, (pair) => counts.get(pairKey(pair)) ?? 0);
    if (round.length === 0) return order;
    for (const pair of round) {
      counts.set(pairKey(pair), (counts.get(pairKey(pair)) ?? 0) + 1);
      order.push(pairKey(pair));
    }
  }
  throw new Error("no end");
}

test("everybody takes turns, row by row", () => {
  expect(play(["sigstop"], { porpoise: 2, tuned: 2, default: 2 })).toEqual([
    "sigstop",
    "group-replication-tuned/sigstop",
    "group-replication-default/sigstop",
    "sigstop",
    "group-replication-tuned/sigstop",
    "group-replication-default/sigstop",
  ]);
});

test("who wants fewer is spread over the whole run, and each gets exactly what it wants", () => {
  const order = play(["sigstop", "partition"], { porpoise: 100, tuned: 10 });
  const at = order.flatMap((name, i) => (name === "group-replication-tuned/partition" ? [i] : []));
  expect(at).toHaveLength(10);
  expect(order.filter((name) => name === "sigstop")).toHaveLength(100);
  expect(order).toHaveLength(220);
  // Never two of them within a fifteenth of the run, and the last not before its last fifth.
  for (const [i, position] of at.entries())
    if (i > 0) expect(position - (at[i - 1] ?? 0)).toBeGreaterThan(14);
  expect(at.at(-1)).toBeGreaterThan(170);
});

test("what was measured before is not measured again", () => {
  expect(nextRound(["sigstop"], { porpoise: 3 }, () => 3)).toEqual([]);
});

test("ROWS and PEERS as a person writes them", () => {
  expect(chosenRows("")).toEqual(TRIAL_NAMES);
  expect(chosenRows("partition, mysqld-sigkill")).toEqual(["mysqld-sigkill", "partition"]);
  expect(chosenRows("ex-primary-back")).toEqual(["mysqld-sigkill-8-writers"]);
  expect(() => chosenRows("sigkil")).toThrow("no row sigkil");
  expect(chosenSubjects("tuned")).toEqual(["porpoise", "tuned"]);
  expect(() => chosenSubjects("both")).toThrow("PEERS is none");
});
