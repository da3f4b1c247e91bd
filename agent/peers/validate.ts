/**
 * Messages as they come off the wire. Mutual TLS says that a peer sent it; this says that it is a message, of this
 * cluster (votes of another cluster id are void). A malformed one would be a bug's way into the core's asserts.
 */
import type { Message } from "../raft/types";

export type Parsed = { readonly message: Message } | { readonly refused: string; readonly status: 400 | 409 };

type Check = (value: unknown) => boolean;
type Shape = Readonly<Record<string, Check>>;

const text: Check = (value) => typeof value === "string";
const id: Check = (value) => typeof value === "string" && value.length > 0 && value.length <= 128;
const flag: Check = (value) => typeof value === "boolean";
const count: Check = (value) => typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
/** JSON has no Infinity: JSON.stringify makes it null, which stands for "unknown". */
const amount: Check = (value) => value === null || (typeof value === "number" && Number.isFinite(value));
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.length <= 1000 && value.every(check);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const record =
  (shape: Shape): Check =>
  (value) =>
    isRecord(value) && Object.entries(shape).every(([key, check]) => check(value[key]));

const standing = record({ lastTerm: count, received: text });
const config = record({ term: count, version: count, voters: listOf(id), witnesses: listOf(id), k: count });
const health = record({ serving: flag, lagMs: amount, address: text });
const candidacy: Shape = {
  term: count,
  standing,
  configTerm: count,
  configVersion: count,
  won: count,
  transfer: count,
  cause: text,
};

/** One shape for each type; the compiler holds it complete. */
const SHAPES: Readonly<Record<Message["type"], Shape>> = {
  hello: { empty: flag, dataless: flag },
  bootstrap: { config },
  preVote: candidacy,
  vote: candidacy,
  preVoteReply: { term: count, askedTerm: count, granted: flag, config: optional(config) },
  voteReply: { term: count, granted: flag },
  heartbeat: {
    term: count,
    round: count,
    config,
    receivable: flag,
    open: flag,
    marker: optional(text),
    electedSet: text,
    serverUuid: text,
    knownUuids: listOf(text),
    donor: id,
  },
  heartbeatReply: {
    term: count,
    round: count,
    receiving: count,
    abstain: flag,
    received: text,
    serverUuids: listOf(text),
    configTerm: count,
    configVersion: count,
    acknowledging: flag,
    dataless: flag,
    health,
  },
  timeoutNow: { term: count, cause: text },
  markerRequest: { term: count },
  markerReply: { term: count, marker: text },
};

/**
 * The message in `body`, or why it is refused (an HTTP status and a sentence).
 * `clusterId`: this member's own; "" = it belongs to none yet and hears everyone.
 */
export function parseMessage(body: unknown, clusterId: string): Parsed {
  if (!isRecord(body)) return refuse("the body is not a JSON object");
  const type = body["type"];
  if (typeof type !== "string" || !Object.hasOwn(SHAPES, type))
    return refuse(`unknown type of message: ${JSON.stringify(type)?.slice(0, 60)}`);
  if (!id(body["from"])) return refuse(`${type}: from is not a member id`);
  if (!text(body["clusterId"])) return refuse(`${type}: clusterId is not a string`);
  const shape = SHAPES[type as Message["type"]];
  const bad = Object.entries(shape).find(([key, check]) => !check(body[key]));
  if (bad) return refuse(`${type}: ${bad[0]} is missing or malformed`);
  if (clusterId !== "" && body["clusterId"] !== "" && body["clusterId"] !== clusterId)
    return {
      refused: `${type} of cluster ${String(body["clusterId"])}; this is cluster ${clusterId}`,
      status: 409,
    };
  return { message: withLag(body as unknown as Message) };
}

/** Undoes what JSON made of an unknown (infinite) lag. */
function withLag(message: Message): Message {
  if (message.type !== "heartbeatReply" || (message.health.lagMs as number | null) !== null) return message;
  return { ...message, health: { ...message.health, lagMs: Infinity } };
}

function refuse(refused: string): Parsed {
  return { refused, status: 400 };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
