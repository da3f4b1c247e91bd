import { describe, expect, test } from "vitest";
import { join } from "node:path";
import { means, stackedBars } from "./bars";
import { axisOf, bins, histogram } from "./histogram";
import { parseRaw, type Raw } from "./raw";
import { csv, pictures, rowsOf, totalsOf } from "./report";
import { text } from "./svg";

const golden = (file: string): string => join(__dirname, "testdata", file);

const raw = (change: Partial<Raw>): Raw => ({
  row: "mysqld-sigkill",
  subject: "porpoise",
  at: "2026-11-21T18:00:00.000Z",
  commit: "abc",
  outageMs: 300,
  worstWriterMs: 320,
  backMs: 2500,
  cycleMs: 4000,
  phasesMs: {
    detection: 100,
    votes: 50,
    drain: 20,
    publication: 30,
    "kube-proxy": 60,
    login: 25,
    commit: 15,
  },
  acknowledged: 90,
  lost: 0,
  divergent: 0,
  falseFailovers: 0,
  ...change,
});
const RAWS = [
  raw({}),
  raw({ outageMs: 280 }),
  raw({ outageMs: undefined, failed: 'no client, "none"' }),
  raw({ row: "mysqld-sigkill-8-writers", outageMs: 420, backMs: 2600 }),
  raw({ subject: "tuned", outageMs: 6400, phasesMs: undefined, lost: 2 }),
];

describe("pictures", () => {
  test("a histogram is as drawn before", async () => {
    const panels = [
      { title: "ours", colour: "#2f6fb3", values: [290, 300, 310, 420] },
      { title: "theirs <tuned>", colour: "#d9823b", values: [6400, 6500] },
      { title: "nobody", colour: "#000000", values: [] },
    ];
    await expect(histogram("a row", panels)).toMatchFileSnapshot(golden("histogram.svg"));
  });

  test("stacked bars are as drawn before", async () => {
    const stacks = [
      {
        row: "mysqld-sigkill",
        splits: [
          { detection: 100, votes: 50 },
          { detection: 200, commit: 10 },
        ],
      },
      { row: "partition", splits: [{ detection: 900, "kube-proxy": 80 }] },
      { row: "unmeasured", splits: [] },
    ];
    await expect(stackedBars("phases", stacks)).toMatchFileSnapshot(golden("bars.svg"));
  });

  test("the axis has whole decades, and every value falls into one bin", () => {
    expect(axisOf([290, 6400])).toEqual({ low: 2, high: 4 });
    expect(axisOf([])).toEqual({ low: 2, high: 3 });
    const counts = bins([0, 99, 100, 101, 999, 1000, 5e9], { low: 2, high: 3 });
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(7);
    expect([counts[0], counts.at(-1)]).toEqual([4, 3]);
  });

  test("the bar's pieces are means that add up to the mean", () => {
    const pieces = means([{ detection: 100, commit: 20 }, { detection: 200 }]);
    expect(pieces.filter(([, ms]) => ms > 0)).toEqual([
      ["detection", 150],
      ["commit", 10],
    ]);
  });

  test("text is escaped", () => {
    expect(text('a<b & "c"', { x: 1.004 })).toBe('<text x="1">a&lt;b &amp; &quot;c&quot;</text>');
  });

  test("a picture for each row that has figures, and one of the phases", () => {
    expect([...pictures(RAWS).keys()]).toEqual([
      "failover-mysqld-sigkill.svg",
      "failover-mysqld-sigkill-8-writers.svg",
      "failover-ex-primary-back.svg",
      "failover-phases.svg",
    ]);
  });
});

test("rows are named as the issue names them; the comeback is that of the killed under 8 writers", () => {
  expect(rowsOf(RAWS).map(({ row, n, p50 }) => [row, n, p50])).toEqual([
    ["mysqld-sigkill", 2, 280],
    ["group-replication-tuned/mysqld-sigkill", 1, 6400],
    ["mysqld-sigkill-8-writers", 1, 420],
    ["ex-primary-back", 1, 2600],
  ]);
});

test("what must be 0 counts Porpoise's trials, those that failed too", () => {
  expect(totalsOf(RAWS)).toEqual({ lost: 0, divergent: 0, falseFailovers: 0, faults: 4 });
});

test("the CSV has a line per incident, a failed one without figures", () => {
  const lines = csv(RAWS).trim().split("\n");
  expect(lines).toHaveLength(6);
  expect(lines[0]).toMatch(/^row,n,at,commit,outage_ms,.*,detection_ms,votes_ms,.*,failed$/);
  expect(lines[2]).toMatch(/^mysqld-sigkill,2,2026-11-21T18:00:00.000Z,abc,280,320,2500,/);
  expect(lines[3]).toMatch(/^mysqld-sigkill,3,[^,]*,abc,,.*,no client +none $/);
  expect(new Set(lines.map((line) => line.split(",").length)).size).toBe(1);
});

test("a torn last line of the raw file is left out", () => {
  expect(parseRaw(`${JSON.stringify(raw({}))}\n{"row":"sigs`)).toEqual([raw({})]);
});
