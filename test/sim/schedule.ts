/** One schedule: birth, faults, healing, rest. The verdict is a sentence or nothing; a failing one is shrunk. */
import { faultsFor, healAll, inject, type Fault } from "./faults";
import type { Shape } from "./controller";
import type { Member } from "./member";
import { Random } from "./random";
import { World, type WorldOptions } from "./world";

const BIRTH_LIMIT_MS = 20_000;
const SPAN_MS = 4_500;
/** agent.md promises about a second; this is the bound beyond which something hangs. */
const REST_LIMIT_MS = 25_000;

export interface Verdict {
  readonly seed: number;
  /** What went wrong. */
  readonly failure: string | undefined;
  readonly faults: readonly Fault[];
  readonly acknowledged: number;
  readonly terms: number;
  /** Simulated ms from healing to rest. */
  readonly restMs: number;
  readonly checks: number;
  /** Configurations that leaders made; members that went on alone. */
  readonly changes: number;
  readonly recoveries: number;
}

type Options = Omit<WorldOptions, "seed"> & { readonly faults?: readonly Fault[] };

/** Of every kind of cluster some, three voters most often. */
const SHAPES: readonly (readonly [weight: number, Shape])[] = [
  [44, { voters: 3 }],
  [8, { voters: 5 }],
  [8, { voters: 1 }],
  [10, { voters: 2 }],
  [18, { voters: 2, witness: true }],
  [8, { voters: 4 }],
  [4, { voters: 3, witness: true }],
];

function shapeOf(random: Random): Shape {
  let left = random.next() * SHAPES.reduce((sum, [weight]) => sum + weight, 0);
  const [, shape] = SHAPES.find(([weight]) => (left -= weight) < 0) ?? [0, { voters: 3 }];
  const learners = random.odds(0.2) ? 1 : 0;
  return { ...shape, learners, spares: random.odds(0.4) ? 1 + random.int(2) : 0 };
}

export function runSchedule(seed: number, options: Options = {}): Verdict {
  const random = new Random(seed ^ 0x5eed);
  const shape = options.shape ?? shapeOf(random);
  const world = new World({ ...options, seed, shape });
  const faults = options.faults ?? faultsFor(random, world.names.length, SPAN_MS);
  let restMs = 0;
  let failure: string | undefined;
  try {
    restMs = live(world, faults);
  } catch (error) {
    failure =
      error instanceof Error
        ? error.name === "Error"
          ? error.message
          : `${error.name}: ${error.message}`
        : String(error);
    if (error instanceof TypeError || error instanceof RangeError) failure += `\n${error.stack}`;
  }
  const { judge } = world;
  return {
    seed,
    failure,
    faults,
    acknowledged: judge.acknowledged.length,
    terms: judge.wins.length,
    restMs,
    checks: judge.checks,
    changes: judge.changes,
    recoveries: judge.recoveries,
  };
}

function live(world: World, faults: readonly Fault[]): number {
  world.runUntil("the cluster is born", BIRTH_LIMIT_MS, () => world.openLeader() !== undefined);
  const start = world.agenda.now;
  for (const fault of faults) world.agenda.at(start + fault.at, () => inject(world, fault));
  world.runTo(start + SPAN_MS + 600);
  healAll(world);
  return comeToRest(world);
}

/** Liveness: after healing there is an open primary that takes writes, all follow it, and all are equal. */
export function comeToRest(world: World): number {
  const from = world.agenda.now;
  const { ok } = world.clients;
  const serves = (): boolean => world.clients.ok > ok && world.unrest() === undefined;
  if (!world.reaches(REST_LIMIT_MS, serves))
    throw new Error(
      `liveness: ${world.unrest() ?? "no write is acknowledged"} ${REST_LIMIT_MS} ms after healing`,
    );
  const restMs = world.agenda.now - from;
  world.clients.paused = true;
  const equal = (): boolean => {
    const leader = world.openLeader();
    return (
      leader !== undefined &&
      dataMembers(world).every(
        ({ mysqld }) =>
          mysqld.waiting === 0 &&
          mysqld.received.size === leader.mysqld.received.size &&
          mysqld.volume.relay.length === 0,
      )
    );
  };
  world.reaches(6_000, equal);
  const leader = world.openLeader();
  if (leader === undefined) throw new Error(`liveness: the primary was lost at rest (${world.describe()})`);
  world.judge.atRest(
    dataMembers(world).map(({ name }) => name),
    leader.name,
  );
  return restMs;
}

/** Those of the wanted that hold data. */
const dataMembers = (world: World): Member[] => world.wanted.filter(({ dataless }) => !dataless);

/** Leaves out what the failure does not need. The first words of the failure say whether it is the same one. */
export function shrink(verdict: Verdict, options: Options = {}): Verdict {
  const same = ({ failure }: Verdict): boolean => failure?.slice(0, 3) === verdict.failure?.slice(0, 3);
  let best = verdict;
  for (let at = best.faults.length - 1; at >= 0; at--) {
    const faults = best.faults.filter((_, index) => index !== at);
    const tried = runSchedule(verdict.seed, { ...options, faults });
    if (same(tried)) best = tried;
  }
  return best;
}

/** The last lines of the story of a failing schedule. */
export function transcript(verdict: Verdict, options: Options = {}, lines = 120): string {
  const story: string[] = [];
  runSchedule(verdict.seed, { ...options, faults: verdict.faults, log: (line) => story.push(line) });
  return story.slice(-lines).join("\n");
}
