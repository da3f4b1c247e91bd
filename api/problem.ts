/**
 * A problem in a user's object, as data (style.md, Errors 1), and the one place that turns it into text.
 *   error   refuses the request          spec.storage.size: volumes cannot shrink; got 200Gi -> 100Gi. Put it back.
 *   advice  accepted, but think          advice: 4 voters survive one loss, as 3 do. Use 3 or 5.
 *   plan    what the change will do      plan: online: config.max_connections 500 -> 800 on 3 instances
 */

export type Path = readonly (string | number)[];

export interface Problem {
  readonly severity: "error" | "advice" | "plan";
  /** Of the field, from the object's root: ["spec", "pod", "env", 0, "name"]. Empty: the object as a whole. */
  readonly path: Path;
  /** The sentence without the path: what; got X. Remedy. */
  readonly message: string;
}

/** An error at a field. `got` is what the user wrote (absent where it says nothing), `remedy` a whole sentence. */
export function refuse(
  path: Path,
  what: string,
  { got, remedy }: { got?: unknown; remedy: string },
): Problem {
  const received = got === undefined ? "" : `; got ${shown(got)}`;
  return { severity: "error", path, message: `${what}${received}. ${remedy}` };
}

/** Advice about a field; the text says what and the remedy. */
export function advise(path: Path, message: string): Problem {
  return { severity: "advice", path, message };
}

/** What an accepted change will do. */
export function plan(path: Path, message: string): Problem {
  return { severity: "plan", path, message };
}

/** "spec.pod.env[0].name"; keys that are no plain words stand in brackets: spec.pod.labels[porpoise.dev/role]. */
export function formatPath(path: Path): string {
  return path
    .map((part, i) => {
      if (typeof part === "string" && /^[\w-]+$/.test(part)) return i === 0 ? part : `.${part}`;
      return `[${part}]`;
    })
    .join("");
}

/** The problem in one line, as the user reads it. */
export function formatProblem({ severity, path, message }: Problem): string {
  if (severity !== "error") return `${severity}: ${message}`;
  return path.length === 0 ? message : `${formatPath(path)}: ${message}`;
}

const LINES_MAX = 20;
const LINE_LENGTH_MAX = 120;

/** Advice and plan as admission warnings: at most 20 lines of 120 characters, which kubectl shows whole. */
export function formatWarnings(problems: readonly Problem[]): string[] {
  const lines = problems
    .filter(({ severity }) => severity !== "error")
    .map(formatProblem)
    .map(shorten);
  if (lines.length <= LINES_MAX) return lines;
  return [...lines.slice(0, LINES_MAX - 1), `plan: and ${lines.length - LINES_MAX + 1} more`];
}

/** All errors as one text, a line each, or undefined when there is none. */
export function formatDenial(problems: readonly Problem[]): string | undefined {
  const errors = problems.filter(({ severity }) => severity === "error").map(formatProblem);
  return errors.length === 0 ? undefined : errors.join("\n");
}

const shorten = (line: string): string =>
  line.length <= LINE_LENGTH_MAX ? line : `${line.slice(0, LINE_LENGTH_MAX - 1)}…`;

/** A value within a sentence: one line, not too long; an empty text stays visible. */
function shown(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  if (text === "") return '""';
  const line = text.replace(/\s+/g, " ");
  return line.length <= 64 ? line : `${line.slice(0, 63)}…`;
}
