/**
 * The controller's intent: in memory, and on disk so that an agent that restarts while the controller is away goes
 * on with what it was told. Monotonic in (epoch, generation), and never of another
 * cluster than the volume's.
 */
import { mkdir, open, readFile, rename } from "node:fs/promises";
import * as path from "node:path";
import type { Intent, WantedMember } from "../../api/agent";

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

/**
 * Why an intent is not for this volume; undefined when it is, when the volume is new, or when the volume is one of the
 * cluster that the intent's was recovered from.
 */
export function foreignTo(
  volume: string,
  { clusterId, formerClusterIds }: Pick<Intent, "clusterId" | "formerClusterIds">,
): string | undefined {
  if (volume === "" || volume === clusterId || formerClusterIds.includes(volume)) return undefined;
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
  const raw: Readonly<Record<string, unknown>> = { epoch: 0, formerClusterIds: [], ...body };
  const bad = (Object.keys(FIELDS) as (keyof Intent)[]).find((field) => !FIELDS[field].fits(raw[field]));
  if (bad !== undefined) return `${bad} is not ${FIELDS[bad].is}`;
  const members = parseMembers(raw["members"] as readonly unknown[]);
  if (typeof members === "string") return members;
  const fields = Object.keys(FIELDS).map((field) => [field, raw[field]] as const);
  return { ...Object.fromEntries(fields), members } as unknown as Intent;
}

/** The members in `list` with their fields in a fixed order, or what is wrong with them. */
function parseMembers(list: readonly unknown[]): readonly WantedMember[] | string {
  const members: WantedMember[] = [];
  for (const [index, entry] of list.entries()) {
    const member = parseMember(entry);
    if (typeof member === "string") return `members[${index}] ${member}`;
    if (members.some(({ name }) => name === member.name)) return `members names ${member.name} twice`;
    members.push(member);
  }
  return members.some(({ role }) => role === "voter") ? members : "members has no voter";
}

function parseMember(entry: unknown): WantedMember | string {
  // An intent.json from before roles has plain names; all of them were voters.
  if (isText(entry)) return { name: entry, role: "voter" };
  if (!isObject(entry)) return "is neither a name nor an object";
  const { name, role, delayMs, pool } = entry;
  if (!isText(name)) return "has no name";
  if (role !== "voter" && role !== "witness" && role !== "learner")
    return `(${name}) has a role that is not voter, witness or learner`;
  if (!isPool(pool, role)) return `(${name}) has a pool, which is for learners only`;
  const base: WantedMember = pool === undefined ? { name, role } : { name, role, pool };
  if (delayMs === undefined) return base;
  if (!isCount(delayMs)) return `(${name}) has a delayMs that is not a whole number of milliseconds`;
  if (role !== "learner" && delayMs !== 0) return `(${name}) has a delayMs, which is for learners only`;
  return delayMs === 0 ? base : { ...base, delayMs: delayMs as number };
}

const isPool = (pool: unknown, role: WantedMember["role"]): pool is string | undefined =>
  pool === undefined || (isText(pool) && role === "learner");

interface Field {
  readonly is: string;
  readonly fits: (value: unknown) => boolean;
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isFlag = (value: unknown): boolean => typeof value === "boolean";
const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
const isUuid = (value: unknown): boolean => isText(value) && /^[0-9a-f-]{36}$/i.test(value);
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** One rule for each field; the compiler holds it complete. */
const FIELDS: Readonly<Record<keyof Intent, Field>> = {
  epoch: { is: "a whole number of milliseconds", fits: isCount },
  generation: { is: "a whole number", fits: isCount },
  clusterId: { is: "a UUID", fits: isUuid },
  members: { is: "a list of members", fits: (value) => Array.isArray(value) && value.length > 0 },
  formerClusterIds: { is: "a list of UUIDs", fits: (value) => Array.isArray(value) && value.every(isUuid) },
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
