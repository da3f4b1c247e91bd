/** Takes the tail off a binary log, after saving it: a discarded transaction can still be read by a person. */
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open, rename, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { MAGIC } from "./format";
import type { Tail } from "./tail";

export interface Discarded {
  /** A binary log of its own: the head's description, then the tail; `mysqlbinlog` reads it. */
  readonly file: string;
}

/**
 * Saves the tail to `<directory>/<timestamp>-<server uuid>.binlog` (and `.json`, which names its GTIDs), both on
 * disk, then truncates the log. mysqld must be down. Cut off in the middle it can be done again.
 */
export async function cutTail(
  tail: Extract<Tail, { kind: "cut" }>,
  options: { readonly directory: string; readonly serverUuid: string; readonly at: Date },
): Promise<Discarded> {
  await mkdir(options.directory, { recursive: true });
  const stamp = options.at.toISOString().replace(/[:.]/g, "-");
  const base = join(options.directory, `${stamp}-${options.serverUuid}`);
  const file = `${base}.binlog`;
  await saveTail(tail, file);
  const note = {
    gtids: tail.errant,
    from: basename(tail.file),
    offset: tail.offset,
    serverUuid: options.serverUuid,
    at: options.at.toISOString(),
  };
  await writeFile(`${base}.json`, `${JSON.stringify(note, undefined, 2)}\n`);
  await syncPath(`${base}.json`);
  await syncPath(options.directory);
  const log = await open(tail.file, "r+");
  try {
    await log.truncate(tail.offset);
    await log.sync();
  } finally {
    await log.close();
  }
  return { file };
}

/** The head (format description, at offset 4) goes before the tail, else no tool could read it. */
async function saveTail(tail: Extract<Tail, { kind: "cut" }>, to: string): Promise<void> {
  const partial = `${to}.part`;
  const headEnd = await formatDescriptionEnd(tail.file);
  const into = createWriteStream(partial);
  await pipeline(async function* () {
    yield* createReadStream(tail.file, { start: 0, end: headEnd - 1 });
    yield* createReadStream(tail.file, { start: tail.offset });
  }, into);
  await syncPath(partial);
  await rename(partial, to);
}

async function formatDescriptionEnd(path: string): Promise<number> {
  const file = await open(path, "r");
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, MAGIC.length + 9);
    return MAGIC.length + buffer.readUInt32LE(0);
  } finally {
    await file.close();
  }
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
