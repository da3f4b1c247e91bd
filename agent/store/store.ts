/**
 * `state.json` on the data volume: written whole to a temporary file, fsync, rename, fsync of the directory.
 *
 * Writes are queued: what a `save` promised is on disk when it resolves, also when another came between.
 */
import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import type { Durable } from "../raft/types";
import { newRecord, parseRecord, type HostRecord, type StateRecord } from "./record";

export interface Store {
  readonly durable: Durable;
  readonly host: HostRecord;
  /** Resolves when the state is on disk (I3, I4). Rejects when it is not; the agent must not go on then. */
  save(durable: Durable): Promise<void>;
  saveHost(host: HostRecord): Promise<void>;
}

/**
 * Reads the volume's state, or makes it a new member `<instance>.<8 hex>` when it has none.
 * @throws CorruptState when there is a file that is no record; an Error of the file system otherwise.
 */
export async function openStore(directory: string, instance: string): Promise<Store> {
  await mkdir(directory, { recursive: true });
  const found = await readRecord(directory);
  const store = new FileStore(directory, found ?? newRecord(instance, randomBytes(4).toString("hex")));
  if (found === undefined) await store.saveHost(store.host);
  return store;
}

async function readRecord(directory: string): Promise<StateRecord | undefined> {
  try {
    return parseRecord(await readFile(join(directory, "state.json"), "utf8"));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

class FileStore implements Store {
  private last: Promise<void> = Promise.resolve();

  constructor(
    private readonly directory: string,
    private record: StateRecord,
  ) {}

  get durable(): Durable {
    return this.record.durable;
  }
  get host(): HostRecord {
    return this.record.host;
  }

  save(durable: Durable): Promise<void> {
    return this.write({ ...this.record, durable });
  }
  saveHost(host: HostRecord): Promise<void> {
    return this.write({ ...this.record, host });
  }

  private write(record: StateRecord): Promise<void> {
    this.record = record;
    // A failed write fails its own caller; the next one writes the whole record anyway.
    const written = this.last.catch(() => undefined).then(() => writeRecord(this.directory, record));
    this.last = written;
    return written;
  }
}

async function writeRecord(directory: string, record: StateRecord): Promise<void> {
  const temporary = join(directory, "state.json.tmp");
  const file = await open(temporary, "w", 0o600);
  try {
    await file.writeFile(JSON.stringify(record, undefined, 1));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(directory, "state.json"));
  await syncDirectory(directory);
}

/** Makes a rename or a new name in the directory survive a power cut. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
