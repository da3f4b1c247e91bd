/**
 * The controller's intent: in memory, and on disk so that an agent that restarts while the controller is away goes
 * on with what it was told. Monotonic in (epoch, generation), and never of another
 * cluster than the volume's.
 */
import { mkdir, open, readFile, rename } from "node:fs/promises";
import * as path from "node:path";
import type { Intent } from "../../api/agent";

export type PutResult =
  | { readonly taken: true; readonly changed: boolean; readonly intent: Intent }
  | { readonly taken: false; readonly status: 400 | 409; readonly reason: string };

export interface IntentStore {
  current(): Intent | undefined;
  /** Why the last intent was not taken although it is new: it is of another cluster. */
  foreign(): string | undefined;
  /** Keeps the intent when it is not older; resolves when it is on disk. */
  put(body: unknown): Promise<PutResult>;
}

/**
 * Opens `<directory>/intent.json`; a file that is no intent counts as none (the controller sends it again).
 * @param volume id of the cluster that the volume belongs to; "" = to none yet
 */
export async function openIntentStore(
  directory: string,
  volume: () => string = () => "",
): Promise<IntentStore> {
  const file = path.join(directory, "intent.json");
  let held = await readIntent(file);
  let foreign: string | undefined;
  let writing: Promise<void> = Promise.resolve();
  return {
    current: () => held,
    foreign: () => foreign,
    async put(body) {
      const wanted = parseIntent(body);
      if (typeof wanted === "string") return { taken: false, status: 400, reason: wanted };
      const decision = decideIntent(held, wanted);
      if (!decision.taken) return decision;
      foreign = foreignTo(volume(), wanted);
      if (foreign !== undefined) return { taken: false, status: 409, reason: foreign };
      if (!decision.changed) return decision;
      held = decision.intent;
      writing = writing.catch(() => undefined).then(() => writeFile(file, decision.intent));
      await writing;
      return decision;
    },
  };
}

/** Whether `wanted` replaces what is held. `initialised` never goes back: nobody bootstraps a cluster twice. */
export function decideIntent(held: Intent | undefined, wanted: Intent): PutResult {
  if (held && isOlder(wanted, held))
    return {
      taken: false,
      status: 409,
      reason: `${wordOf(wanted)} is older than ${wordOf(held)}, which is held`,
    };
  const sameCluster = held?.clusterId === wanted.clusterId;
  const initialised = wanted.initialised || (sameCluster && held.initialised);
  const intent = { ...wanted, initialised };
  return { taken: true, changed: JSON.stringify(intent) !== JSON.stringify(held), intent };
}

/** Why an intent is not for this volume; undefined when it is, or when the volume is new. */
export function foreignTo(volume: string, { clusterId }: Intent): string | undefined {
  if (volume === "" || volume === clusterId) return undefined;
  const remedy = "give the MySQLCluster that id (docs/deletion.md), or delete this volume";
  return `volume belongs to cluster ${volume}, not to ${clusterId}: ${remedy}`;
}

function isOlder(a: Intent, b: Intent): boolean {
  return a.epoch === b.epoch ? a.generation < b.generation : a.epoch < b.epoch;
}

function wordOf({ epoch, generation }: Intent): string {
  return `generation ${generation} of epoch ${epoch}`;
}

/** The intent in `body` with its fields in a fixed order, or what is wrong with it. */
export function parseIntent(body: unknown): Intent | string {
  if (typeof body !== "object" || body === null) return "the intent is not a JSON object";
  // An intent.json from before epochs is older than any intent that has one.
  const raw: Readonly<Record<string, unknown>> = { epoch: 0, ...body };
  const bad = (Object.keys(FIELDS) as (keyof Intent)[]).find((field) => !FIELDS[field].fits(raw[field]));
  if (bad !== undefined) return `${bad} is not ${FIELDS[bad].is}`;
  return Object.fromEntries(Object.keys(FIELDS).map((field) => [field, raw[field]])) as unknown as Intent;
}

interface Field {
  readonly is: string;
  readonly fits: (value: unknown) => boolean;
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isFlag = (value: unknown): boolean => typeof value === "boolean";
const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** One rule for each field; the compiler holds it complete. */
const FIELDS: Readonly<Record<keyof Intent, Field>> = {
  epoch: { is: "a whole number of milliseconds", fits: isCount },
  generation: { is: "a whole number", fits: isCount },
  clusterId: { is: "a UUID", fits: (value) => isText(value) && /^[0-9a-f-]{36}$/i.test(value) },
  members: {
    is: "a list of instance names",
    fits: (value) => Array.isArray(value) && value.length > 0 && value.every(isText),
  },
  initialised: { is: "true or false", fits: isFlag },
  timing: {
    is: "two numbers of milliseconds",
    fits: (value) => isObject(value) && isCount(value["heartbeatMs"]) && isCount(value["electionTimeoutMs"]),
  },
  autoFailover: { is: "true or false", fits: isFlag },
  maxLagMs: { is: "a number of milliseconds", fits: isCount },
  usePrimary: {
    is: "never, fallback or always",
    fits: (value) => ["never", "fallback", "always"].includes(String(value)),
  },
  onlineConfig: {
    is: "a map of strings",
    fits: (value) => isObject(value) && Object.values(value).every((option) => typeof option === "string"),
  },
};

async function readIntent(file: string): Promise<Intent | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const intent = parseIntent(JSON.parse(text));
    return typeof intent === "string" ? undefined : intent;
  } catch {
    return undefined;
  }
}

/** Temporary file, fsync, rename: never half an intent. */
async function writeFile(file: string, intent: Intent): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const handle = await open(`${file}.tmp`, "w", 0o600);
  try {
    await handle.writeFile(JSON.stringify(intent));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.tmp`, file);
}
