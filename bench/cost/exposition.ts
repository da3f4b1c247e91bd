/** Prometheus' text format, as far as a sum of counters needs it. Pure. */

type Labels = Readonly<Record<string, string>>;

/** The sum of a metric's samples whose labels are wanted. */
export function sumSamples(text: string, metric: string, wanted: (labels: Labels) => boolean): number {
  let sum = 0;
  for (const line of text.split("\n")) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (!match || match[1] !== metric) continue;
    if (wanted(parseLabels(match[2] ?? ""))) sum += Number(match[3]);
  }
  return sum;
}

function parseLabels(text: string): Labels {
  const pairs = [...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
  return Object.fromEntries(pairs.map(([, key = "", value = ""]) => [key, value]));
}
