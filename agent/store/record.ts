/**
 * The content of `state.json`: what the core must not forget, and what is known of this volume's host.
 *
 * Pure. A file that does not read as a record is never taken for an empty one: forgetting a vote or a term would
 * let a member vote twice (I3, I4), so the agent refuses to start and says why.
 */
import { freshDurable } from "../raft/state";
import { parseGtidSet } from "../../api/gtid";
import type { Configuration, Durable, Left } from "../raft/types";

/** Of the volume's host; decides whether data survived a power cut (agent.md, Power loss). */
export interface HostRecord {
  /** The kernel's boot id when mysqld was last started; "" = never. */
  readonly bootId: string;
  /** mysqld may have acknowledged or executed what is not on disk yet. */
  readonly relaxed: boolean;
  /** mysqld was started and has not ended cleanly since. */
  readonly running: boolean;
}

export interface StateRecord {
  readonly format: 1;
  readonly durable: Durable;
  readonly host: HostRecord;
}

export const NEW_HOST: HostRecord = { bootId: "", relaxed: false, running: false };

/** The record of an empty volume: a member that was never seen. `nonce` is 8 hexadecimal digits of chance. */
export function newRecord(instance: string, nonce: string): StateRecord {
  return { format: 1, durable: freshDurable(`${instance}.${nonce}`), host: NEW_HOST };
}

/** Whether a host may have lost data that the member promised to hold. */
export function dataUnsafe(host: HostRecord, bootId: string): boolean {
  return host.running && host.relaxed && host.bootId !== "" && host.bootId !== bootId;
}

/** @throws CorruptState naming the first field that is wrong. */
export function parseRecord(text: string): StateRecord {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new CorruptState("is not JSON", cause);
  }
  const root = object(parsed, "state");
  if (root["format"] !== 1)
    throw new CorruptState(`has format ${JSON.stringify(root["format"])}, 1 is known`);
  return { format: 1, durable: durable(root["durable"]), host: host(root["host"]) };
}

/** The volume's state cannot be trusted; the remedy is for a person (restore it, or make the volume a new one). */
export class CorruptState extends Error {
  readonly code = "CORRUPT_STATE";
  constructor(what: string, cause?: unknown) {
    super(`state.json ${what}; refusing to start: an agent that forgets its term or vote could vote twice`, {
      cause,
    });
  }
}

function durable(value: unknown): Durable {
  const of = object(value, "durable");
  return {
    memberId: nonEmpty(of, "memberId"),
    clusterId: text(of, "clusterId"),
    former: of["former"] === undefined ? [] : texts(of, "former"), // Volumes of earlier versions have none.
    term: term(of, "term"),
    vote: of["vote"] === undefined ? undefined : nonEmpty(of, "vote"),
    config: of["config"] === undefined ? undefined : configuration(of["config"]),
    ledTerm: term(of, "ledTerm"),
    tail: flag(of, "tail"),
    uncut: flag(of, "uncut"),
    openedTerm: term(of, "openedTerm"),
    receivedTerm: term(of, "receivedTerm"),
    relinquished: term(of, "relinquished"),
    abstain: flag(of, "abstain"),
    cloning: flag(of, "cloning"),
    quarantined: gtids(of, "quarantined"),
    serverUuids: texts(of, "serverUuids"),
    knownUuids: texts(of, "knownUuids"),
    left: of["left"] === undefined ? [] : left(of["left"]),
  };
}

function left(value: unknown): readonly Left[] {
  if (!Array.isArray(value)) throw new CorruptState('has no list in "left"');
  return value.map((one) => {
    const of = object(one, "left");
    return { member: nonEmpty(of, "member"), address: text(of, "address") };
  });
}

function configuration(value: unknown): Configuration {
  const of = object(value, "config");
  return {
    term: term(of, "term"),
    version: term(of, "version"),
    voters: texts(of, "voters"),
    witnesses: texts(of, "witnesses"),
    k: term(of, "k"),
  };
}

function host(value: unknown): HostRecord {
  const of = object(value, "host");
  return { bootId: text(of, "bootId"), relaxed: flag(of, "relaxed"), running: flag(of, "running") };
}

type Fields = Readonly<Record<string, unknown>>;

function object(value: unknown, name: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new CorruptState(`has no object "${name}"`);
}

function field<T>(of: Fields, name: string, kind: string, is: (value: unknown) => value is T): T {
  const value = of[name];
  if (is(value)) return value;
  throw new CorruptState(`has ${JSON.stringify(value)} in "${name}", expected ${kind}`);
}

const isText = (value: unknown): value is string => typeof value === "string";
const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText);
const isTerm = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isFlag = (value: unknown): value is boolean => typeof value === "boolean";

const text = (of: Fields, name: string): string => field(of, name, "a text", isText);
const texts = (of: Fields, name: string): readonly string[] => field(of, name, "a list of texts", isTexts);
const term = (of: Fields, name: string): number => field(of, name, "a whole number from 0", isTerm);
const flag = (of: Fields, name: string): boolean => field(of, name, "true or false", isFlag);

function nonEmpty(of: Fields, name: string): string {
  const value = text(of, name);
  if (value === "") throw new CorruptState(`has an empty "${name}"`);
  return value;
}

function gtids(of: Fields, name: string): string {
  const value = text(of, name);
  try {
    parseGtidSet(value);
  } catch (cause) {
    throw new CorruptState(`has no GTID set in "${name}"`, cause);
  }
  return value;
}
