/** A cluster that becomes Ready, told in one line per change. */
import type { View } from "./view";

/** What the phases are, in one line: the cluster's, then each member's own words. Pure. */
export function progressLine({ cluster, pods, members }: View): string {
  const phase = cluster?.status?.phase ?? "applied";
  const parts = pods.map(
    ({ instance }) => `${instance}: ${members.get(instance)?.phase ?? podWords(pods, instance)}`,
  );
  return [phase, ...parts].join(" · ");
}

function podWords(pods: View["pods"], instance: string): string {
  const pod = pods.find((one) => one.instance === instance);
  if (pod?.node === undefined) return "waits for a node";
  return pod.ip === undefined ? "starts" : "agent starts";
}

/** Prints each change with the seconds since the start. Figures in the words (lag) do not count as changes. */
export function teller(print: (line: string) => void, now: () => number = Date.now): (view: View) => void {
  const started = now();
  let last = "";
  return (view) => {
    const line = progressLine(view);
    const shape = line.replace(/\d+/g, "#");
    if (shape === last) return;
    last = shape;
    print(`${((now() - started) / 1000).toFixed(1).padStart(5)} s  ${line}`);
  };
}
