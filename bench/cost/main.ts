/**
 * `make bench-cost`: commits per second and their latency with 1, 8 and 32 writers, on Porpoise, on the same mysqld
 * alone (asynchronous), and on Group Replication, taking turns in one run (ROUNDS=5 of MS=5000 each); then what an
 * idle cluster of Porpoise costs (IDLE_S=60). out/cost.json, docs/figures/cost.json.
 */
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { MYSQL_PORT } from "../../api/agent";
import { CONTROL_PLANE } from "../../sandbox/config";
import { inNamespace } from "../../sandbox/kube";
import { APP_USER, DATABASE } from "../group/config";
import { Group } from "../group/group";
import { install } from "../install";
import { row, writeResult, type Row } from "../result";
import { setting } from "../setting";
import { done, fail, LOOK, note, step, table } from "../terminal";
import { Porpoise } from "../trials/porpoise";
import type { Target } from "../trials/subject";
import { limit, sleep } from "../waits";
import { OUT } from "../writers";
import { makeAlone } from "./alone";
import { apiCalls, idleRows } from "./idle";
import type { LoadAnswer, LoadOrder } from "./load";
import { order, ratios, type Sample } from "./rounds";

const WRITERS = [1, 8, 32] as const;
const NAMES = ["porpoise", "alone", "group-replication"] as const;
type Name = (typeof NAMES)[number];
const WARM_MS = 1_000;
/** Between two loads: replicas apply what is left. */
const SETTLE_MS = 1_500;
const FIGURES = join(__dirname, "..", "..", "docs", "figures");

interface Contest {
  readonly targets: Readonly<Record<Name, Target>>;
  readonly porpoise: Porpoise;
  readonly removeRest: () => Promise<void>;
}

async function main(): Promise<void> {
  const rounds = setting("ROUNDS", 5);
  const ms = setting("MS", 5_000);
  const idleMs = setting("IDLE_S", 60) * 1000;
  await install(step);
  const without = await step("API calls without a cluster of ours", () => apiCalls(Math.min(idleMs, 30_000)));
  const contest = await begin();
  const samples: Sample[] = [];
  try {
    await compare(contest, { rounds, ms }, samples);
    await contest.removeRest();
    await sleep(10_000); // What was deleted is still being tidied up.
    const pods = await contest.porpoise.pods();
    const idle = await step("idle", () =>
      Promise.all([idleRows("bench-porpoise", pods, idleMs), apiCalls(idleMs)]),
    );
    const calls = idle[1].perSecond - without.perSecond;
    publish([...figures(samples), ...idle[0], ...row("API calls of the cluster", "1/s", [calls])]);
  } finally {
    await contest.porpoise.remove();
  }
}

async function begin(): Promise<Contest> {
  const porpoise = await step("Porpoise: cluster shop in quorum", () => Porpoise.start());
  const alone = await step("a mysqld alone", makeAlone);
  const group = await step("Group Replication: three members ONLINE", () => Group.make());
  await group.become("tuned"); // Flow control off: nothing holds its writers back.
  const { host, password, ca } = group.access;
  const theirs = { host, password, ca, user: APP_USER, database: DATABASE };
  return {
    targets: { porpoise: porpoise.target, alone: alone.target, "group-replication": theirs },
    porpoise,
    removeRest: async () => void (await Promise.all([alone.remove(), group.remove()])),
  };
}

async function compare(
  { targets }: Contest,
  { rounds, ms }: { readonly rounds: number; readonly ms: number },
  samples: Sample[],
): Promise<void> {
  const loader = new Loader();
  try {
    for (let round = 0; round < rounds; round++) {
      for (const [who, writers] of order(NAMES, WRITERS, round)) {
        const { perSecond, latency } = await loader.load({
          ...targets[who],
          port: MYSQL_PORT,
          writers,
          warmMs: WARM_MS,
          ms,
        });
        samples.push({ who, writers, round, perSecond, p50: latency.p50, p99: latency.p99 });
        note(
          `${round + 1}/${rounds}  ${who.padEnd(18)} ${String(writers).padStart(2)} writers  ${perSecond} /s  p50 ${latency.p50} p99 ${latency.p99} ms`,
        );
        await sleep(SETTLE_MS);
      }
    }
  } finally {
    loader.end();
  }
}

/** The client process in the cluster's network; an order in, an answer out. */
class Loader {
  private readonly child = inNamespace(
    CONTROL_PLANE.netns,
    [process.execPath, "--import", "tsx", join(__dirname, "load.ts")],
    { cwd: join(__dirname, "..", "..") },
  );
  private errors = "";
  private waiting: ((line: string) => void) | undefined;

  constructor() {
    this.child.stderr?.on("data", (chunk: Buffer) => (this.errors += chunk.toString()));
    if (this.child.stdout) {
      createInterface({ input: this.child.stdout }).on("line", (line) => this.waiting?.(line));
    }
  }

  async load(wanted: LoadOrder): Promise<LoadAnswer> {
    const answer = new Promise<string>((done, fail) => {
      this.waiting = done;
      this.child.once("exit", () => fail(new Error(`the load broke off: ${this.errors.slice(0, 500)}`)));
    });
    this.child.stdin?.write(`${JSON.stringify(wanted)}\n`);
    return JSON.parse(await limit(wanted.ms + wanted.warmMs + 30_000, answer)) as LoadAnswer;
  }

  end(): void {
    this.child.stdin?.end();
  }
}

/** Per contestant and number of writers: each round gives one throughput and one latency of each kind. */
function figures(samples: readonly Sample[]): Row[] {
  return WRITERS.flatMap((writers) => {
    const words = `${writers} writer${writers === 1 ? "" : "s"}`;
    const own = NAMES.flatMap((who) => {
      const of = samples.filter((one) => one.who === who && one.writers === writers);
      const name = `${who}, ${words}`;
      return [
        ...row(
          `${name}: commits`,
          "1/s",
          of.map(({ perSecond }) => perSecond),
        ),
        ...row(
          `${name}: latency p50`,
          "ms",
          of.map(({ p50 }) => p50),
        ),
        ...row(
          `${name}: latency p99`,
          "ms",
          of.map(({ p99 }) => p99),
        ),
      ];
    });
    const compared = (["alone", "group-replication"] as const).flatMap((to) =>
      row(`porpoise / ${to}, ${words}`, "ratio", ratios(samples, "porpoise", to, writers)),
    );
    return [...own, ...compared];
  });
}

function publish(rows: readonly Row[]): void {
  const none = { lost: 0, divergent: 0, falseFailovers: 0, faults: 0 };
  const path = writeResult({ name: "cost", seed: null, rows, ...none });
  mkdirSync(FIGURES, { recursive: true });
  copyFileSync(join(OUT, "cost.json"), join(FIGURES, "cost.json"));
  const cells = rows.map((one) => [one.row, one.unit, ...[one.n, one.p50, one.max].map(String)]);
  for (const line of table(["", "unit", "n", "p50", "max"], cells, [2, 3, 4])) note(line);
  done(`figures: ${path}`);
}

main()
  .catch((cause: unknown) => fail(cause, LOOK))
  .finally(() => process.exit());
