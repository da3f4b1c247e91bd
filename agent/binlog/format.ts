/**
 * Just enough of the binary-log format (version 4) to find where a transaction begins. Pure.
 *
 * Sources: MySQL internals, "Binary Log Event" (header of 19 bytes, little endian); mysql 9.7.4's own files, read
 * in the lab: untagged GTIDs are written as type 33, tagged ones as type 42 in the self-describing serialisation
 * (`libs/mysql/serialization`), PREVIOUS_GTIDS (35) in two shapes, told apart by byte 7.
 */
import { formatGtidSet, parseGtidSet, type GtidSet } from "../../api/gtid";

export const MAGIC = Buffer.from([0xfe, 0x62, 0x69, 0x6e]);
export const ENCRYPTED_MAGIC = Buffer.from([0xfd, 0x62, 0x69, 0x6e]);
export const HEADER_BYTES = 19;
/** All that is read of a GTID event: uuid, number and tag lie within (a tag has at most 32 characters). */
export const GTID_BYTES = 128;

export const EVENT = {
  formatDescription: 15,
  gtid: 33,
  anonymous: 34,
  previousGtids: 35,
  taggedGtid: 42,
} as const;

export interface EventHeader {
  readonly type: number;
  /** Header, body and checksum. */
  readonly length: number;
}

/** @throws Error when the bytes cannot be a header. */
export function eventHeader(bytes: Buffer): EventHeader {
  const type = bytes.readUInt8(4);
  const length = bytes.readUInt32LE(9);
  if (type === 0 || length < HEADER_BYTES) throw new Error(`not an event: type ${type}, length ${length}`);
  return { type, length };
}

/** `uuid:7` or `uuid:tag:7` of a GTID event; `body` begins behind the header. */
export function gtidOf(type: number, body: Buffer): string {
  if (type === EVENT.taggedGtid) return taggedGtid(body);
  // One byte of flags, 16 of UUID, 8 of number.
  return `${uuidText(body.subarray(1, 17))}:${wholeNumber(body, 17)}`;
}

/** Fields in order, each with its number before it: 0 flags, 1 UUID (16 numbers), 2 transaction number, 3 tag. */
function taggedGtid(body: Buffer): string {
  const read = reader(body);
  read.number(); // version
  read.number(); // length of the message
  read.number(); // last field that must be understood
  expectField(read.number(), 0);
  read.number();
  expectField(read.number(), 1);
  const uuid = Buffer.from(Array.from({ length: 16 }, () => Number(read.number())));
  expectField(read.number(), 2);
  const zigzag = read.number();
  const gno = (zigzag >> 1n) ^ -(zigzag & 1n);
  expectField(read.number(), 3);
  const tag = read.bytes(Number(read.number())).toString("latin1");
  return [uuidText(uuid), ...(tag === "" ? [] : [tag]), gno.toString()].join(":");
}

function expectField(got: bigint, wanted: number): void {
  if (got !== BigInt(wanted)) throw new Error(`GTID event has field ${got} where ${wanted} should be`);
}

/** The set of a PREVIOUS_GTIDS event; `body` without checksum. */
export function previousGtids(body: Buffer): GtidSet {
  const tagged = body.readUInt8(7) === 1;
  const sources = tagged ? body.readUIntLE(1, 6) : wholeNumber(body, 0);
  const read = reader(body, 8);
  const parts: string[] = [];
  for (let source = 0; source < sources; source += 1) {
    const uuid = uuidText(read.bytes(16));
    const tag = tagged ? read.bytes(Number(read.number())).toString("latin1") : "";
    const name = tag === "" ? uuid : `${uuid}:${tag}`;
    const intervals = wholeNumber(read.bytes(8), 0);
    for (let interval = 0; interval < intervals; interval += 1) {
      const first = wholeNumber(read.bytes(8), 0);
      const end = wholeNumber(read.bytes(8), 0); // Exclusive.
      parts.push(`${name}:${first}-${end - 1}`);
    }
  }
  return parseGtidSet(parts.join(","));
}

/** Whether events end in a checksum of 4 bytes: the last byte before the description's own checksum says so. */
export function hasChecksum(formatDescriptionBody: Buffer): boolean {
  return formatDescriptionBody.readUInt8(formatDescriptionBody.length - 5) === 1;
}

interface Reader {
  number(): bigint;
  bytes(count: number): Buffer;
}

function reader(buffer: Buffer, start = 0): Reader {
  let at = start;
  const bytes = (count: number): Buffer => {
    if (count < 0 || at + count > buffer.length) throw new Error("event ends too early");
    at += count;
    return buffer.subarray(at - count, at);
  };
  return {
    bytes,
    /** As many bytes as the first one has trailing ones, plus one; the value lies above them. */
    number() {
      const first = bytes(1)[0] ?? 0;
      let extra = 0;
      while (extra < 8 && ((first >> extra) & 1) === 1) extra += 1;
      const rest = bytes(extra);
      if (extra === 8) return rest.readBigUInt64LE(0);
      const all = Buffer.concat([Buffer.from([first]), rest, Buffer.alloc(8 - rest.length - 1)]);
      return all.readBigUInt64LE(0) >> BigInt(extra + 1);
    },
  };
}

function wholeNumber(bytes: Buffer, offset: number): number {
  const value = bytes.readBigUInt64LE(offset);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error(`number too large in a binary log: ${value}`);
  return Number(value);
}

function uuidText(bytes: Buffer): string {
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Canonical text of many single GTIDs. */
export function gtidText(gtids: readonly string[]): string {
  return formatGtidSet(parseGtidSet(gtids.join(",")));
}
