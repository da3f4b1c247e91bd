/** A cluster that becomes Ready, told in one line per change. */
import type { View } from "./view";

/** Who says what: the cluster its phase, each instance its agent's own words. Pure. */
export function sayings({ cluster, pods, members }: View): Map<string, string> {
  const said = new Map([["cluster", cluster?.status?.phase ?? "applied"]]);
  for (const pod of pods) said.set(pod.instance, members.get(pod.instance)?.phase ?? podWords(pod));
  return said;
}

function podWords({ node, ip }: View["pods"][number]): string {
  if (node === undefined) return "waits for a node";
  return ip === undefined ? `starts on ${node}` : "its agent starts";
}

/** Prints each change with the seconds since the start. Figures in the words (lag) do not count as changes. */
export function teller(print: (line: string) => void, now: () => number = Date.now): (view: View) => void {
  const started = now();
  const last = new Map<string, string>();
  return (view) => {
    for (const [who, what] of sayings(view)) {
      const shape = what.replace(/\d+(\.\d+)?/g, "#");
      if (last.get(who) === shape) continue;
      last.set(who, shape);
      print(`${((now() - started) / 1000).toFixed(1).padStart(5)} s  ${who.padEnd(8)} ${what}`);
    }
  };
}
