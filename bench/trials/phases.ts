/** Where the time of an outage goes: marks on a time line, cut into named pieces. Pure. */
import type { FailoverRecord } from "../../api/agent";
import type { Contact } from "../outage";

/** From the mark before until this moment (epoch, ms), time belongs to `phase`. */
export interface Mark {
  readonly phase: Phase;
  readonly until: number;
}

/** In the order in which they follow each other. */
export const PHASES = [
  "detection",
  "votes",
  "drain",
  "followers",
  "barrier",
  "opening",
  "publication",
  "kube-proxy",
  "login",
  "commit",
] as const;
export type Phase = (typeof PHASES)[number];

export type Split = Readonly<Partial<Record<Phase, number>>>;

/** What the agent calls its stages (agent/history.ts: stageOf), in its order, and the phase each belongs to. */
const STAGES: readonly (readonly [stage: string, phase: Phase])[] = [
  ["preCandidate", "votes"],
  ["candidate", "votes"],
  ["draining", "drain"],
  ["arming", "followers"],
  ["gathering", "followers"],
  ["barrier", "barrier"],
  ["leasing", "opening"],
  ["opening", "opening"],
];

/** The new primary's own account: it ends at `at`, when it opened; its start is that less the total. */
export function marksOf({ at, phasesMs }: Pick<FailoverRecord, "at" | "phasesMs">): Mark[] {
  let now = Date.parse(at) - (phasesMs["total"] ?? 0);
  const marks: Mark[] = [{ phase: "detection", until: now }];
  for (const [stage, phase] of STAGES) {
    now += phasesMs[stage] ?? 0;
    marks.push({ phase, until: now });
  }
  return marks;
}

/** The way of the client whose OK ended the outage: TCP reached the new primary, it was let in, it wrote. */
export function clientMarks(
  contacts: readonly Contact[],
  first: { readonly writer: number; readonly at: number },
): Mark[] {
  const last = (what: Contact["what"]): number | undefined =>
    contacts
      .filter((contact) => contact.what === what && contact.writer === first.writer && contact.at <= first.at)
      .map(({ at }) => at)
      .sort((a, b) => b - a)[0];
  const reached = last("reached");
  const greeted = last("greeted");
  return [
    ...(reached === undefined ? [] : [{ phase: "kube-proxy", until: reached } as const]),
    ...(greeted === undefined ? [] : [{ phase: "login", until: greeted } as const]),
    { phase: "commit", until: first.at },
  ];
}

/**
 * Cuts [from, to] at the marks. A mark before the one it follows, or outside, gives a phase of 0 ms: the clocks are
 * one machine's, but what they time overlaps. All phases together are the whole, to the millisecond.
 */
export function split(marks: readonly Mark[], from: number, to: number): Split {
  const pieces: Partial<Record<Phase, number>> = {};
  let now = from;
  marks.forEach(({ phase, until }, i) => {
    const end = i === marks.length - 1 ? to : Math.min(Math.max(until, now), to);
    pieces[phase] = round((pieces[phase] ?? 0) + end - now);
    now = end;
  });
  return pieces;
}

const round = (ms: number): number => Math.round(ms * 10) / 10;
