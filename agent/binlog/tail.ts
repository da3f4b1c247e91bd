/**
 * The tail of an ex-primary's binary log: what an elected leader lacks (agent.md, The ex-primary; mysql-facts A).
 *
 * Only the last file may be cut: only there can be transactions that the engine has not committed (a rotation
 * waits for them). A wanted transaction behind an unwanted one forbids the cut, since both would go.
 */
import { readFile } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import {
  containsGtid,
  EMPTY,
  formatGtidSet,
  parseGtidSet,
  subtractGtid,
  unionGtid,
  type GtidSet,
  type GtidText,
} from "../../api/gtid";
import { gtidText } from "./format";
import { scanFile, Unreadable, type Transaction } from "./scan";

export type Tail =
  | { readonly kind: "none" }
  | {
      readonly kind: "cut";
      readonly file: string;
      /** The file's new length. */
      readonly offset: number;
      readonly errant: GtidText;
    }
  | { readonly kind: "impossible"; readonly reason: string; readonly errant: GtidText };

/** Paths of the binary logs in order, from the index; relative ones are relative to it. */
export async function readIndex(index: string): Promise<string[]> {
  const lines = (await readFile(index, "utf8")).split("\n").filter((line) => line !== "");
  return lines.map((line) => (isAbsolute(line) ? line : join(dirname(index), line)));
}

/** Finds what the binary logs hold that `keep` lacks. Reads the last file only; names what earlier ones hold. */
export async function findTail(index: string, keep: GtidSet): Promise<Tail> {
  const file = (await readIndex(index)).at(-1);
  if (file === undefined) return { kind: "none" };
  const transactions: Transaction[] = [];
  let errantSeen = false;
  try {
    const { previous } = await scanFile(file, (transaction) => {
      errantSeen ||= !isKept(transaction, keep);
      if (errantSeen) transactions.push(transaction); // Only the tail is held in memory.
      return true;
    });
    return judge({ file, keep, errantBefore: subtractGtid(previous, keep), transactions });
  } catch (error) {
    if (error instanceof Unreadable) return { kind: "impossible", reason: error.message, errant: "" };
    throw error;
  }
}

function isKept({ gtid }: Transaction, keep: GtidSet): boolean {
  return gtid !== undefined && containsGtid(keep, parseGtidSet(gtid));
}

interface Found {
  readonly file: string;
  readonly keep: GtidSet;
  readonly errantBefore: GtidSet;
  /** From the first errant one on. */
  readonly transactions: readonly Transaction[];
}

function judge({ file, keep, errantBefore, transactions }: Found): Tail {
  const names = transactions.flatMap(({ gtid }) => (gtid === undefined ? [] : [gtid]));
  const errant = gtidText(names.filter((gtid) => !containsGtid(keep, parseGtidSet(gtid))));
  const impossible = (reason: string, all = errant): Tail => ({ kind: "impossible", reason, errant: all });
  if (errantBefore.size > 0) {
    const all = gtidText([formatGtidSet(errantBefore), errant]);
    return impossible("an earlier binary log holds transactions that the leader lacks", all);
  }
  const [first] = transactions;
  if (first === undefined) return { kind: "none" };
  if (names.length < transactions.length) return impossible("the tail holds transactions without a GTID");
  if (transactions.some((transaction) => isKept(transaction, keep)))
    return impossible("the leader has transactions behind the first one that it lacks");
  return { kind: "cut", file, offset: first.offset, errant };
}

/** Which files hold transactions that `keep` lacks: from the heads of all and the transactions of the last. */
export async function filesWithErrant(index: string, keep: GtidSet): Promise<string[]> {
  const files = await readIndex(index);
  const errant: boolean[] = [];
  let known: GtidSet = EMPTY;
  for (const file of files) {
    const last = file === files.at(-1);
    let found = false;
    const { previous } = await scanFile(file, (transaction) => {
      found ||= last && !isKept(transaction, keep);
      return last && !found;
    });
    const before = subtractGtid(previous, keep);
    const earlier = subtractGtid(before, known);
    known = unionGtid(known, before);
    if (earlier.size > 0 && errant.length > 0) errant[errant.length - 1] = true;
    errant.push(found);
  }
  return files.filter((_, at) => errant[at]);
}
