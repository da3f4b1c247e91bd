/** How the commands speak to a person: short aligned lines, colour only on a terminal. */

const colours = process.stdout.isTTY && process.env["NO_COLOR"] === undefined;
const paint =
  (code: number) =>
  (text: string): string =>
    colours ? `\u001b[${code}m${text}\u001b[0m` : text;

export const bold = paint(1);
export const dim = paint(2);
export const red = paint(31);
export const green = paint(32);

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** A line of progress below the last step. */
export const note = (text: string): void => console.log(`    ${text}`);

/** A step that is done, with what it took. */
export function done(text: string, ms?: number): void {
  const took = ms === undefined ? "" : dim(`  ${seconds(ms)}`);
  console.log(`${green("  ok")} ${text}${took}`);
}

/** Does one step and says so; a failure is said with the step's name and thrown on. */
export async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  const from = Date.now();
  try {
    const result = await work();
    done(name, Date.now() - from);
    return result;
  } catch (cause) {
    console.log(`${red("fail")} ${name}${dim(`  ${seconds(Date.now() - from)}`)}`);
    throw cause;
  }
}

/** Rows under a head, each column as wide as its widest cell; the columns named in `right` are flush right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string[] {
  const widths = head.map((cell, i) => Math.max(cell.length, ...rows.map((row) => (row[i] ?? "").length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (right.includes(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join("   ")
      .trimEnd();
  return [head, ...rows].map((cells) => line(cells));
}

const LINES_MAX = 20;

/** The reason without npm's own remarks, and not whole pages of a tool's output. Pure. */
export function shorten(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("npm warn"));
  const more = lines.length > LINES_MAX ? [`… ${lines.length - LINES_MAX} more lines`] : [];
  return [...lines.slice(0, LINES_MAX), ...more].join("\n");
}

/** Ends the command with a clear reason. */
export function fail(cause: unknown, where: readonly string[]): void {
  const text = cause instanceof Error ? cause.message : String(cause);
  console.error(`\n${red("failed:")} ${shorten(text)}`);
  for (const line of where) console.error(`  ${line}`);
  process.exitCode = 1;
}

/** Where to look when something failed. */
export const LOOK = [
  "look at:  make shell, then: kubectl get mysql,pods -o wide; kubectl describe mysql; kubectl logs <pod>",
  "          .sandbox/logs/ for the nodes; docs/quickstart.md, What if it fails",
];
