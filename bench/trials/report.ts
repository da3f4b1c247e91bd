/** The published files, made of the raw figures. Pure. */
import { row, type Row } from "../result";
import { stackedBars } from "./bars";
import { histogram } from "./histogram";
import { PHASES } from "./phases";
import type { Raw } from "./raw";
import { COMEBACK, rowName, SUBJECTS, TRIAL_NAMES, type SubjectName, type TrialName } from "./rows";

const TITLES: Readonly<Record<SubjectName, { readonly title: string; readonly colour: string }>> = {
  porpoise: { title: "Porpoise", colour: "#2f6fb3" },
  tuned: { title: "Group Replication, tuned", colour: "#d9823b" },
  default: { title: "Group Replication, defaults", colour: "#a0a0a0" },
};

const of = (raws: readonly Raw[], name: TrialName, subject: SubjectName): Raw[] =>
  raws.filter((one) => one.row === name && one.subject === subject && one.outageMs !== undefined);

/** Milliseconds of a published row on a subject, in the order measured. */
export function valuesOf(raws: readonly Raw[], name: string, subject: SubjectName): number[] {
  if (name === COMEBACK.row) return of(raws, COMEBACK.of, subject).flatMap(({ backMs }) => backMs ?? []);
  return of(raws, name as TrialName, subject).flatMap(({ outageMs }) => outageMs ?? []);
}

export const PUBLISHED: readonly string[] = [...TRIAL_NAMES, COMEBACK.row];

/** The rows of docs/figures/failover.json. */
export function rowsOf(raws: readonly Raw[]): Row[] {
  return PUBLISHED.flatMap((name) =>
    SUBJECTS.flatMap((subject) => row(rowName(name, subject), "ms", valuesOf(raws, name, subject))),
  );
}

const sum = (raws: readonly Raw[], value: (raw: Raw) => number): number =>
  raws.reduce((total, raw) => total + value(raw), 0);

export interface Totals {
  readonly lost: number;
  readonly divergent: number;
  readonly falseFailovers: number;
  readonly faults: number;
}

/** What must be 0, and of how many. Porpoise's alone: what the peers lose is theirs, and stands in the CSV. */
export function totalsOf(raws: readonly Raw[]): Totals {
  const ours = raws.filter(({ subject }) => subject === "porpoise");
  return {
    lost: sum(ours, ({ lost }) => lost),
    divergent: sum(ours, ({ divergent }) => divergent),
    falseFailovers: sum(ours, ({ falseFailovers }) => falseFailovers),
    faults: ours.length,
  };
}

const COLUMNS = [
  ["at", (raw: Raw) => raw.at],
  ["commit", (raw: Raw) => raw.commit],
  ["outage_ms", (raw: Raw) => raw.outageMs],
  ["worst_writer_ms", (raw: Raw) => raw.worstWriterMs],
  ["back_ms", (raw: Raw) => raw.backMs],
  ["cycle_ms", (raw: Raw) => raw.cycleMs],
  ["acknowledged", (raw: Raw) => raw.acknowledged],
  ["lost", (raw: Raw) => raw.lost],
  ["divergent", (raw: Raw) => raw.divergent],
  ["false_failovers", (raw: Raw) => raw.falseFailovers],
] as const;

/** One line per incident: row, its number in that row, and everything measured. Failed trials are in it, without. */
export function csv(raws: readonly Raw[]): string {
  const counts = new Map<string, number>();
  const lines = raws.map((raw) => {
    const name = rowName(raw.row, raw.subject);
    const n = (counts.get(name) ?? 0) + 1;
    counts.set(name, n);
    const phases = PHASES.map((phase) => raw.phasesMs?.[phase]);
    const failed = (raw.failed ?? "").replaceAll(/[",\n]/g, " ");
    return [name, n, ...COLUMNS.map(([, read]) => read(raw)), ...phases, failed]
      .map((cell) => cell ?? "")
      .join(",");
  });
  const head = [
    "row",
    "n",
    ...COLUMNS.map(([name]) => name),
    ...PHASES.map((phase) => `${phase}_ms`),
    "failed",
  ];
  return [head.join(","), ...lines, ""].join("\n");
}

/** File name → SVG: a histogram per row that has values, and the phases of our rows. */
export function pictures(raws: readonly Raw[]): Map<string, string> {
  const made = PUBLISHED.map((name): [string, string] => {
    const panels = SUBJECTS.map((subject) => ({ ...TITLES[subject], values: valuesOf(raws, name, subject) }));
    const empty = panels.every(({ values }) => values.length === 0);
    return [`failover-${name}.svg`, empty ? "" : histogram(heading(name), panels)];
  });
  const stacks = TRIAL_NAMES.map((name) => ({
    row: name,
    splits: of(raws, name, "porpoise").flatMap(({ phasesMs }) => phasesMs ?? []),
  }));
  const phases = stackedBars("Porpoise: where the time goes (means, ms; last OK to first OK)", stacks);
  const some = stacks.some(({ splits }) => splits.length > 0);
  return new Map(
    [...made, ["failover-phases.svg", some ? phases : ""] as const].filter(([, svg]) => svg !== ""),
  );
}

const heading = (name: string): string =>
  name === COMEBACK.row ? `${name}: from SIGKILL until in quorum again` : `${name}: last OK to first OK`;
