/** What the quickstart says. Pure. */
import type { Incident } from "../../bench/incident";
import { seconds } from "../../bench/terminal";

export const HEAD = [
  "fault",
  "last OK -> first OK",
  "primary",
  "term",
  "the former primary came back",
] as const;

/** One line of the table; the GTIDs stand in the lines above it. */
export function incidentRow(title: string, one: Incident): string[] {
  const { before, after, outage } = one;
  return [
    title,
    outage ? `${outage.ms} ms` : "none",
    `${before.primary} -> ${after.primary}`,
    `${before.term} -> ${after.term}`,
    `${comebackText({ comeback: { how: one.comeback.how } })}, ${seconds(one.wholeAfterMs)} after the fault`,
  ];
}

/** How the former primary came back. */
export function comebackText({ comeback: { how, gtids } }: Pick<Incident, "comeback">): string {
  const tail = gtids === undefined ? "" : ` (never acknowledged: ${gtids})`;
  switch (how) {
    case "kept":
      return "with all its data";
    case "rewind":
      return `rewound${tail}`;
    case "clone":
      return `cloned anew${tail}`;
  }
}

/** How to go on; `columns` is what `kubectl get mysqlcluster` printed. */
export function nextSteps(columns: string): string[] {
  const shown = columns
    .trimEnd()
    .split("\n")
    .map((line) => `    ${line}`);
  return [
    "",
    "The cluster runs on:",
    "",
    ...shown,
    "",
    "Connect:",
    "    make mysql                       a mysql client at the primary, as the application's user",
    "    make shell                       a shell with kubectl for this cluster",
    "",
    "Try next, in make shell:",
    "    kubectl get mysql -w             in a second terminal: watch what follows",
    "    kubectl delete pod shop-0-0      hand-over, then the pod comes back",
    "    make fault                       more faults by hand: freeze, cut off, stop the API server",
    "    kubectl apply --dry-run=server -f examples/production.yaml    what a change would do",
    "",
    "    make failover N=20               20 times SIGKILL, with percentiles",
    "    make sandbox-down                take everything away",
    "",
  ];
}
