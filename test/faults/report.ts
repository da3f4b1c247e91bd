/** What a run prints and writes. */
import { row, writeResult, type Row } from "../../bench/result";
import { table } from "../../bench/terminal";
import type { Incident } from "./incident";
import type { Stroke } from "./plan";

export const headLine = (seed: number, total: number): string => `${total} incidents, seed ${seed}`;

const COLUMNS = [5, 10, 58, 16, 10, 10, 12] as const;

/** n, cluster, faults, on whom, outage, term, back after, verdict. */
export function incidentLine(incident: Incident, number: number, shape: string): string {
  const { victims, outageMs, term, backMs, wrong, met, falseFailover } = incident;
  const cells = [
    String(number),
    shape,
    `${nameOf(incident)}${met ? "" : " (moment missed)"}`,
    victims.join(" "),
    outageMs === undefined ? "-" : `${outageMs} ms`,
    `term ${term}${falseFailover ? "!" : ""}`,
    `back ${(backMs / 1000).toFixed(1)} s`,
  ];
  const line = cells.map((cell, at) => cell.padEnd(COLUMNS[at] ?? 0)).join(" ");
  return `${line} ${wrong.length === 0 ? "good" : `BAD: ${wrong.join("; ")}`}`;
}

const strokeName = ({ fault, on }: Stroke): string => `${fault}@${on}`;

/** The incident's faults in words. */
export function nameOf({ plan: { first, second, load } }: Pick<Incident, "plan">): string {
  const then = second ? ` + ${strokeName(second)} at ${second.moment.replace("at ", "")}` : "";
  return `${strokeName(first)}${then}${load === "none" ? "" : ` under ${load}`}`;
}

/** Single faults have a row of their own; what comes together is one row. */
function rowName({ plan: { first, second } }: Incident): string {
  return second ? "two faults" : strokeName(first);
}

/** One line of out/<name>.jsonl: enough to tell and to repeat it. */
export function record(incident: Incident, number: number, shape: string): string {
  const { plan, victims, met, outageMs, term, falseFailover, backMs, history, wrong } = incident;
  const { operations, unknown, result } = history;
  const told = { outageMs, term, falseFailover, backMs, wrong, history: { operations, unknown, result } };
  return `${JSON.stringify({ number, shape, plan, victims, met, ...told })}\n`;
}

/** Prints the table, writes out/<name>.json. */
export function finish(run: {
  name: string;
  seed: number;
  incidents: readonly Incident[];
  total: number;
}): void {
  const { name: runName, seed, incidents, total } = run;
  const outages = new Map<string, number[]>();
  const backs = new Map<string, number[]>();
  for (const incident of incidents)
    for (const name of [rowName(incident), "all"]) {
      if (incident.outageMs !== undefined)
        outages.set(name, [...(outages.get(name) ?? []), incident.outageMs]);
      backs.set(name, [...(backs.get(name) ?? []), incident.backMs]);
    }
  const rows: Row[] = [...backs.keys()]
    .sort()
    .flatMap((name) => [
      ...row(`${name}: outage`, "ms", outages.get(name) ?? []),
      ...row(`${name}: whole after`, "ms", backs.get(name) ?? []),
    ]);
  const shown = rows
    .filter((each) => each.row.endsWith(": outage"))
    .map((each) => [each.row.replace(": outage", ""), String(each.n), String(each.p50), String(each.max)]);
  console.log(["", ...table(["fault", "n", "p50 ms", "max ms"], shown, [1, 2, 3])].join("\n"));
  const faults = incidents.reduce((sum, { plan }) => sum + (plan.second ? 2 : 1), 0);
  const bad = incidents.filter(({ wrong }) => wrong.length > 0).length + (incidents.length < total ? 1 : 0);
  const wrong = incidents.flatMap((incident) => incident.wrong);
  const path = writeResult({
    name: runName,
    seed,
    rows,
    lost: wrong.filter((text) => /acknowledged/.test(text)).length,
    divergent: wrong.filter((text) => /checksum|has not|lacks GTIDs/.test(text)).length,
    falseFailovers: incidents.filter(({ falseFailover }) => falseFailover).length,
    faults,
  });
  const operations = incidents.reduce((sum, { history }) => sum + history.operations, 0);
  console.log(
    `${incidents.length} of ${total} incidents, ${faults} faults, ${operations} operations checked; ${bad === 0 ? "every verdict good" : "NOT GOOD"}; ${path}`,
  );
}
