/** Who is measured, in the words of the measurement: a cluster of three behind one Service. */
import type { Holding } from "../verdict";
import type { Mark } from "./phases";
import type { FaultName, SubjectName } from "./rows";

/** What the clients need to reach it. */
export interface Target {
  readonly host: string;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** PEM; the servers' certificates are signed by it. */
  readonly ca: string;
}

export interface Reign {
  /** Instance or pod name. */
  readonly primary: string;
  /** Counts the reigns; 0 where nobody counts them. */
  readonly term: number;
}

/** A fault that has struck. */
export interface Struck {
  /** Epoch, ms: just before. */
  readonly at: number;
  /** Ends it; absent when it ends by itself. */
  readonly undo?: () => Promise<void>;
}

/** An election that no fault explains: there is nothing to measure, but something to count. */
export class Unexplained extends Error {}

export interface Subject {
  readonly name: SubjectName;
  readonly target: Target;
  /** Three members in quorum and caught up, the Service leads to the primary. @throws Overdue. */
  awaitWhole(deadlineMs: number): Promise<Reign>;
  /** Looks up all that the fault needs, so that the strike itself costs the machine nothing. */
  prepare(fault: FaultName, primary: string): Promise<() => Promise<Struck>>;
  /** Another reign than `before`. @throws Overdue; Unexplained when it began before the strike. */
  awaitSuccessor(before: Reign, struckAt: number, deadlineMs: number): Promise<Reign>;
  /** The former primary is in quorum again; does what the subject leaves to its administrator. @throws Overdue. */
  awaitBack(instance: string, deadlineMs: number): Promise<void>;
  /** What it says of the succession since `since` (epoch, ms), in order. */
  marks(since: number, after: Reign): Promise<readonly Mark[]>;
  /** What every member holds of a run. */
  holdings(run: string, options: { readonly checksums: boolean }): Promise<Holding[]>;
  /** After a trial that failed: from nothing, if it has to be. */
  repair(): Promise<void>;
}
