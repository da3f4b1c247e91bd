/** Walks a binary-log file event by event in bounded memory, however long the file or an event is. */
import { open, type FileHandle } from "node:fs/promises";
import type { GtidSet } from "../../api/gtid";
import * as format from "./format";

const CHUNK_BYTES = 1024 * 1024;

export interface Transaction {
  /** Where its GTID event begins: the place to cut. */
  readonly offset: number;
  /** undefined = anonymous. */
  readonly gtid?: string;
}

export interface Scan {
  /** GTIDs of all earlier files, purged ones too. */
  readonly previous: GtidSet;
  /** End of the last whole event; what follows was torn by a crash. */
  readonly end: number;
}

/** @throws Unreadable when the file is encrypted or no binary log: whoever wants to cut it must CLONE instead. */
export class Unreadable extends Error {
  readonly code = "BINLOG_UNREADABLE";
}

/**
 * Calls `each` for every transaction of the file in order; `each` ends the walk by returning false.
 * @throws Unreadable
 */
export async function scanFile(path: string, each: (transaction: Transaction) => boolean): Promise<Scan> {
  const file = await open(path, "r");
  try {
    return await scan(await window(file, path), each);
  } finally {
    await file.close();
  }
}

async function scan(file: Window, each: (transaction: Transaction) => boolean): Promise<Scan> {
  let previous: GtidSet | undefined;
  let checksum = 0;
  let offset = format.MAGIC.length;
  while (offset + format.HEADER_BYTES <= file.size) {
    const { type, length } = format.eventHeader(await file.read(offset, format.HEADER_BYTES));
    if (offset + length > file.size) break; // Torn; mysqld cuts it itself.
    const body = (most: number): Promise<Buffer> =>
      file.read(offset + format.HEADER_BYTES, Math.min(length - format.HEADER_BYTES, most));
    if (type === format.EVENT.formatDescription) {
      checksum = format.hasChecksum(await body(Infinity)) ? 4 : 0;
    } else if (type === format.EVENT.previousGtids) {
      const bytes = await body(Infinity);
      previous = format.previousGtids(bytes.subarray(0, bytes.length - checksum));
    } else if (!(await onTransaction(type, offset, body, each))) {
      break;
    }
    offset += length;
  }
  // Every file begins with PREVIOUS_GTIDS; one torn before it was never written to.
  if (previous === undefined) throw new Unreadable(`${file.path} ends before its PREVIOUS_GTIDS`);
  return { previous, end: offset };
}

async function onTransaction(
  type: number,
  offset: number,
  body: (most: number) => Promise<Buffer>,
  each: (transaction: Transaction) => boolean,
): Promise<boolean> {
  if (type === format.EVENT.anonymous) return each({ offset });
  if (type !== format.EVENT.gtid && type !== format.EVENT.taggedGtid) return true;
  return each({ offset, gtid: format.gtidOf(type, await body(format.GTID_BYTES)) });
}

interface Window {
  readonly path: string;
  readonly size: number;
  read(offset: number, length: number): Promise<Buffer>;
}

/** Reads through one buffer, moved forward as needed: small events cost no system call each. */
async function window(file: FileHandle, path: string): Promise<Window> {
  const { size } = await file.stat();
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let from = 0;
  let have = 0;
  const fill = async (target: Buffer, offset: number): Promise<number> =>
    (await file.read(target, 0, target.length, offset)).bytesRead;
  const read = async (offset: number, length: number): Promise<Buffer> => {
    if (length > CHUNK_BYTES) {
      const large = Buffer.alloc(length);
      if ((await fill(large, offset)) !== length) throw new Unreadable(`${path} is shorter than it was`);
      return large;
    }
    if (offset < from || offset + length > from + have) {
      from = offset;
      have = await fill(chunk, offset);
      if (have < length) throw new Unreadable(`${path} is shorter than it was`);
    }
    return chunk.subarray(offset - from, offset - from + length);
  };
  const magic = size < 4 ? Buffer.alloc(0) : await read(0, 4);
  if (magic.equals(format.ENCRYPTED_MAGIC)) throw new Unreadable(`${path} is encrypted`);
  if (!magic.equals(format.MAGIC)) throw new Unreadable(`${path} is not a binary log`);
  return { path, size, read };
}
