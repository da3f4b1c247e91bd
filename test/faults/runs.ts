/** What a command is to run, from its environment. Pure. */
import { random } from "../../bench/result";
import type { Shape } from "./cluster";
import { FAULTS, type FaultName } from "./faults";
import { LOADS, type LoadName } from "./loads";
import { plan, type IncidentPlan } from "./plan";

/** A cluster and what is done to it. */
export interface Run {
  readonly shape: Shape;
  readonly incidents: readonly IncidentPlan[];
}

export interface Runs {
  /** Of the files in out/: two runs beside each other need two. */
  readonly name: string;
  readonly seed: number;
  readonly runs: readonly Run[];
  readonly largeMegabytes: number;
  readonly idleConnections: number;
}

/** MEMBERS=…: the voters with data, and whether a witness votes beside them. */
export const SHAPES: Readonly<Record<string, Shape>> = {
  "1": { members: 1, witness: false },
  "2": { members: 2, witness: false },
  "2+witness": { members: 2, witness: true },
  "3": { members: 3, witness: false },
  "5": { members: 5, witness: false },
};

export const sizeOf = ({ members, witness }: Shape): number => members + (witness ? 1 : 0);
export const nameOf = ({ members, witness }: Shape): string => `${members}${witness ? "+witness" : ""}`;

/** A cluster is made anew after so many: sets of GTIDs grow with every new server UUID, and logs with time. */
const INCIDENTS_MAX = 60;

/** What `make test` runs: the same every time. */
export const CI = { N: "42", SEED: "20261121", MEMBERS: "3,2+witness,5" };

type Variables = Readonly<Record<string, string | undefined>>;

/** N, SEED, MEMBERS (a list is gone through in turn), FAULT, LOAD, LARGE_MB, IDLE, NAME. @throws Error naming what is wrong. */
export function readRuns(env: Variables): Runs {
  const seed = numberOf(env, "SEED", Date.now() % 1_000_000);
  const count = numberOf(env, "N", 20);
  const shapes = (env["MEMBERS"] || "3").split(",").map((name) => oneOf("MEMBERS", name, SHAPES));
  const only = env["FAULT"] ? keyOf("FAULT", env["FAULT"], FAULTS) : undefined;
  const loads = env["LOAD"] ? [keyOf("LOAD", env["LOAD"], LOADS)] : undefined;
  return {
    name: env["NAME"] || "faults",
    seed,
    runs: divide({ seed, count, shapes, only, loads }),
    largeMegabytes: numberOf(env, "LARGE_MB", 16),
    idleConnections: numberOf(env, "IDLE", 200),
  };
}

interface Division {
  readonly seed: number;
  readonly count: number;
  readonly shapes: readonly Shape[];
  readonly only?: FaultName;
  readonly loads?: readonly LoadName[];
}

/** As many clusters as needed, the shapes in turn, each with its own plan. */
function divide({ seed, count, shapes, only, loads }: Division): Run[] {
  const clusters = Math.max(Math.ceil(count / INCIDENTS_MAX), Math.min(shapes.length, count));
  const seeds = random(seed);
  const runs: Run[] = [];
  let left = count;
  for (let at = 0; at < clusters; at++) {
    const share = Math.ceil(left / (clusters - at));
    const shape = shapes[at % shapes.length] ?? { members: 3, witness: false };
    const own = Math.floor(seeds() * 2 ** 31);
    runs.push({ shape, incidents: plan({ seed: own, count: share, members: sizeOf(shape), only, loads }) });
    left -= share;
  }
  return runs;
}

function numberOf(env: Variables, name: string, fallback: number): number {
  const text = env[name] ?? "";
  const value = text === "" ? fallback : Number(text);
  if (!Number.isInteger(value) || value < 0) throw new Error(`${name} is not a whole number: ${text}`);
  return value;
}

function keyOf<Key extends string>(name: string, text: string, choices: Readonly<Record<Key, unknown>>): Key {
  const keys = Object.keys(choices) as Key[];
  const found = keys.find((key) => key === text);
  if (found === undefined) throw new Error(`${name} must be one of ${keys.join(", ")}; got ${text}`);
  return found;
}

function oneOf<T>(name: string, text: string, choices: Readonly<Record<string, T>>): T {
  const found = choices[text];
  if (found === undefined)
    throw new Error(`${name} must be one of ${Object.keys(choices).join(", ")}; got ${text}`);
  return found;
}
