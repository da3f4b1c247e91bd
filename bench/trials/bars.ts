/** Where the time goes: a stacked bar per row, of the means of its phases, which add up to the mean outage. Pure. */
import { PHASES, type Phase, type Split } from "./phases";
import { bar, picture, shape, text } from "./svg";

export interface Stack {
  readonly row: string;
  readonly splits: readonly Split[];
}

/** One colour a phase, from before the election (grey) over the agents' part to the client's way (blue). */
const COLOURS: Readonly<Record<Phase, string>> = {
  detection: "#9e9e9e",
  votes: "#f6c344",
  drain: "#e8853a",
  followers: "#d65a4a",
  barrier: "#a83279",
  opening: "#6a3d9a",
  publication: "#3d6fb6",
  "kube-proxy": "#41a0d8",
  login: "#64c2b4",
  commit: "#9ad27c",
};

const WIDTH = 900;
const LEFT = 190;
const RIGHT = 70;
const TOP = 72;
const ROW = 30;

/** Means of every phase, in their order; a phase that an incident does not know counts 0 there. */
export function means(splits: readonly Split[]): [Phase, number][] {
  const mean = (phase: Phase): number =>
    splits.reduce((sum, split) => sum + (split[phase] ?? 0), 0) / Math.max(splits.length, 1);
  return PHASES.map((phase): [Phase, number] => [phase, Math.round(mean(phase) * 10) / 10]);
}

/** The picture; rows without splits are left out. */
export function stackedBars(title: string, stacks: readonly Stack[]): string {
  const rows = stacks
    .filter(({ splits }) => splits.length > 0)
    .map(({ row, splits }) => {
      const pieces = means(splits);
      return { row, pieces, total: pieces.reduce((sum, [, ms]) => sum + ms, 0) };
    });
  const most = Math.max(1, ...rows.map(({ total }) => total));
  const scale = (ms: number): number => (ms / most) * (WIDTH - LEFT - RIGHT);
  const content = rows.flatMap(({ row, pieces, total }, i) => {
    const y = TOP + i * ROW;
    let x = LEFT;
    const bars = pieces.flatMap(([phase, ms]) => {
      if (ms <= 0) return [];
      const one = bar(`${phase}: ${ms} ms`, {
        x,
        y,
        width: scale(ms),
        height: ROW - 10,
        fill: COLOURS[phase],
      });
      x += scale(ms);
      return [one];
    });
    const middle = y + ROW / 2;
    return [
      text(row, { x: LEFT - 8, y: middle, "text-anchor": "end" }),
      ...bars,
      text(`${Math.round(total)} ms`, { x: x + 6, y: middle }),
    ];
  });
  const head = text(title, { x: 20, y: 20, "font-weight": "bold", "font-size": 14 });
  return picture(WIDTH, TOP + rows.length * ROW + 10, [head, ...legend(), ...content]);
}

function legend(): string[] {
  return PHASES.flatMap((phase, i) => {
    const x = 20 + i * 87;
    return [
      shape("rect", { x, y: 36, width: 10, height: 10, fill: COLOURS[phase] }),
      text(phase, { x: x + 14, y: 45, "font-size": 11 }),
    ];
  });
}
