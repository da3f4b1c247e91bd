/** One incident on one subject, as short as is sound: from three members in quorum to three members in quorum. */
import { longestSilence, silencePerWriter } from "../outage";
import { judge, type Verdict } from "../verdict";
import { sentence, sleep, waitFor } from "../waits";
import type { Crew } from "./crew";
import { clientMarks, split } from "./phases";
import type { Raw } from "./raw";
import { TRIALS, type TrialName } from "./rows";
import type { Reign, Struck, Subject } from "./subject";

/** A default Group Replication needs 22 s to elect. */
const SUCCESSION_MS = 90_000;
const WHOLE_MS = 180_000;
const VERDICT_MS = 30_000;
/** Clients write this long before the strike, at least and with a random share more: no timer of ours beats in step. */
const WARM_MS = { least: 150, spread: 600 };

export interface TrialOptions {
  readonly row: TrialName;
  readonly subject: Subject;
  readonly crew: Crew;
  /** Numbers in [0, 1). */
  readonly draw: () => number;
  readonly commit: string;
}

/** What a trial yields beside its raw figures. */
export interface Done {
  readonly raw: Raw;
  readonly before: Reign;
  readonly after: Reign;
}

/** Strikes once, follows it to the end, and judges the data. @throws Overdue, with what did not come. */
export async function trial(options: TrialOptions): Promise<Done> {
  const { row, subject, crew, draw } = options;
  const { fault, writers } = TRIALS[row];
  const began = Date.now();
  const before = await subject.awaitWhole(WHOLE_MS);
  const strike = await subject.prepare(fault, before.primary);
  const run = `${began.toString(36)}-${process.pid.toString(36)}`;
  await crew.begin(run, writers);
  let followed: Followed;
  try {
    await sleep(WARM_MS.least + draw() * WARM_MS.spread);
    followed = await follow(options, before, await strike());
  } catch (cause) {
    await crew.rest().catch(() => undefined);
    throw cause;
  }
  const met = await crew.rest();
  const judged = await verdict(subject, run, crew);
  const end = await subject.awaitWhole(WHOLE_MS);
  const raw: Raw = {
    row,
    subject: subject.name,
    at: new Date(followed.at).toISOString(),
    commit: options.commit,
    ...(await measures(options, followed)),
    cycleMs: Date.now() - began,
    acknowledged: met.acknowledged,
    lost: judged.lost.length,
    divergent: judged.divergent.length,
    falseFailovers: end.term - followed.after.term,
  };
  if (judged.lost.length + judged.divergent.length === 0 && process.env["LOGS"] !== "1") crew.forget();
  return { raw, before, after: end };
}

interface Followed {
  readonly at: number;
  readonly after: Reign;
  readonly backAt: number;
  readonly marks: Awaited<ReturnType<Subject["marks"]>>;
}

/** Until a client wrote to the new primary and the former one is back; the fault is ended in between. */
async function follow({ subject, crew }: TrialOptions, before: Reign, struck: Struck): Promise<Followed> {
  let undo = struck.undo;
  try {
    const after = await subject.awaitSuccessor(before, struck.at, SUCCESSION_MS);
    await crew.awaitOk(Date.now(), SUCCESSION_MS);
    const marks = await subject.marks(struck.at, after);
    await undo?.();
    undo = undefined;
    await subject.awaitBack(before.primary, WHOLE_MS);
    return { at: struck.at, after, backAt: Date.now(), marks };
  } finally {
    await undo?.();
  }
}

type Measures = Pick<Raw, "outageMs" | "worstWriterMs" | "backMs" | "phasesMs" | "failed">;

async function measures({ crew }: TrialOptions, { at, backAt, marks }: Followed): Promise<Measures> {
  const entries = crew.entries();
  const window = { from: at, to: Date.now() };
  const outage = longestSilence(entries, window);
  const backMs = backAt - at;
  if (!outage) return Promise.resolve({ backMs, failed: "no client wrote before, or none after" });
  const first = entries.find((entry) => entry.at === outage.firstOkAt && entry.outcome === "ok");
  const own = first === undefined ? [] : clientMarks(crew.contacts(), first);
  return {
    outageMs: outage.ms,
    worstWriterMs: Math.max(...silencePerWriter(entries, window)),
    backMs,
    phasesMs: split([...marks, ...own], outage.lastOkAt, outage.firstOkAt),
  };
}

/** Each acknowledged row of the run is on each member, and their GTID sets agree. Checksums come at the end of all. */
export async function verdict(
  subject: Subject,
  run: string,
  crew: Crew,
  checksums = false,
): Promise<Verdict> {
  const entries = crew.entries();
  let last: Verdict | undefined;
  const probe = async (): Promise<{ value: Verdict } | string> => {
    last = judge(await subject.holdings(run, { checksums }), [{ run, entries }]);
    const bad = last.lost.length + last.divergent.length;
    return bad === 0 ? { value: last } : `${last.lost.length} rows missing, ${last.divergent.join("; ")}`;
  };
  return waitFor("all members equal", { deadlineMs: VERDICT_MS, everyMs: 50 }, probe).catch(
    (cause: unknown) => {
      if (!last) throw new Error(`no verdict: ${sentence(cause)}`, { cause });
      return last;
    },
  );
}
