/** Histograms of one row, a panel per subject, on one logarithmic axis: what differs tenfold is seen as such. Pure. */
import { percentiles } from "../outage";
import { bar, picture, shape, text } from "./svg";

export interface Panel {
  readonly title: string;
  readonly colour: string;
  /** Milliseconds. */
  readonly values: readonly number[];
}

const WIDTH = 720;
const LEFT = 20;
const RIGHT = 20;
const TOP = 34;
const PANEL = 110;
const GAP = 34;
const BINS_PER_DECADE = 20;
/** Where lines are drawn: 1, 2 and 5 of each decade. */
const STEPS = [1, 2, 5];

interface Axis {
  /** Exponents of ten. */
  readonly low: number;
  readonly high: number;
}

/** Whole decades around all values; at least one. */
export function axisOf(values: readonly number[]): Axis {
  const logs = values.filter((value) => value > 0).map(Math.log10);
  const low = Math.floor(Math.min(...logs, 2));
  return { low, high: Math.max(low + 1, Math.ceil(Math.max(...logs, low + 1))) };
}

const across = ({ low, high }: Axis, value: number): number =>
  LEFT + ((Math.log10(Math.max(value, 10 ** low)) - low) / (high - low)) * (WIDTH - LEFT - RIGHT);

/** How many values fall into each bin of the axis. */
export function bins(values: readonly number[], { low, high }: Axis): number[] {
  const counts = Array.from({ length: (high - low) * BINS_PER_DECADE }, () => 0);
  for (const value of values) {
    const at = Math.floor((Math.log10(Math.max(value, 10 ** low)) - low) * BINS_PER_DECADE);
    const i = Math.min(Math.max(at, 0), counts.length - 1);
    counts[i] = (counts[i] ?? 0) + 1;
  }
  return counts;
}

const time = (ms: number): string => (ms < 1000 ? `${ms} ms` : `${ms / 1000} s`);

/** The picture; panels without values are left out. */
export function histogram(title: string, panels: readonly Panel[]): string {
  const shown = panels.filter(({ values }) => values.length > 0);
  const axis = axisOf(shown.flatMap(({ values }) => values));
  const height = TOP + shown.length * (PANEL + GAP);
  const content = shown.flatMap((panel, i) => draw(panel, axis, TOP + i * (PANEL + GAP)));
  return picture(WIDTH, height, [
    text(title, { x: LEFT, y: 20, "font-weight": "bold", "font-size": 14 }),
    ...content,
  ]);
}

function draw(panel: Panel, axis: Axis, top: number): string[] {
  const bottom = top + PANEL;
  const counts = bins(panel.values, axis);
  const most = Math.max(...counts);
  const bars = counts.flatMap((count, i) => {
    if (count === 0) return [];
    const from = 10 ** (axis.low + i / BINS_PER_DECADE);
    const to = 10 ** (axis.low + (i + 1) / BINS_PER_DECADE);
    const tall = (count / most) * (PANEL - 20);
    const place = {
      x: across(axis, from),
      y: bottom - tall,
      width: across(axis, to) - across(axis, from) - 1,
    };
    return [
      bar(`${Math.round(from)} to ${Math.round(to)} ms: ${count}`, {
        ...place,
        height: tall,
        fill: panel.colour,
      }),
    ];
  });
  return [...grid(axis, top, bottom), ...bars, text(caption(panel), { x: LEFT, y: top + 10 })];
}

function grid(axis: Axis, top: number, bottom: number): string[] {
  const ticks = Array.from({ length: axis.high - axis.low }, (_, i) => 10 ** (axis.low + i))
    .flatMap((decade) => STEPS.map((step) => step * decade))
    .concat(10 ** axis.high);
  const label = { y: bottom + 14, "text-anchor": "middle", fill: "#666666", "font-size": 10 };
  return ticks.flatMap((tick) => {
    const x = across(axis, tick);
    return [
      shape("line", { x1: x, x2: x, y1: top + 16, y2: bottom, stroke: "#e4e4e4" }),
      text(time(tick), { x, ...label }),
    ];
  });
}

function caption({ title, values }: Panel): string {
  const found = percentiles(values);
  if (!found) return title;
  const { n, p50, p95, p99, max } = found;
  return `${title}: n ${n}, p50 ${p50}, p95 ${p95}, p99 ${p99}, max ${max} ms`;
}
