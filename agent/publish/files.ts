/**
 * The board as a directory, for agents outside Kubernetes (process tests): `primary.json`, `replicas.json`,
 * `role-<instance>.json`, `events.jsonl`. Several agents share it; a lock file makes the conditional write one.
 */
import { appendFile, mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import * as path from "node:path";
import type { PublishRequest } from "../../api/agent";
import type { Board } from "./board";
import type { Service, SlicePort, StoredSlice } from "./conditional";

/** What a slice's file holds. */
export interface SliceFile extends PublishRequest {
  readonly version: number;
}

/** A writer killed while it held the lock leaves it behind; nobody holds it for longer than this. */
const LOCK_STALE_MS = 1_000;

/** The board in `directory`, which is made when missing. */
export async function createFileBoard(directory: string, instance: string): Promise<Board> {
  await mkdir(directory, { recursive: true });
  return {
    slices: fileSlices(directory),
    setRole: (role) => replace(path.join(directory, `role-${instance}.json`), { instance, role }),
    async tell(note) {
      const line = JSON.stringify({ at: new Date().toISOString(), instance, ...note });
      await appendFile(path.join(directory, "events.jsonl"), `${line}\n`);
    },
    close: () => undefined,
  };
}

/** The slice as it is in `directory`; undefined when there is none. */
export async function readSliceFile(directory: string, service: Service): Promise<SliceFile | undefined> {
  const text = await readFile(path.join(directory, `${service}.json`), "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as SliceFile);
}

function fileSlices(directory: string): SlicePort {
  return {
    async read(service) {
      const slice = await readSliceFile(directory, service);
      return slice && stored(slice);
    },
    async write(request, version) {
      return locked(path.join(directory, `${request.service}.lock`), async () => {
        const current = await readSliceFile(directory, request.service);
        if (current?.version.toString() !== version) return "conflict";
        const next: SliceFile = { ...request, version: (current?.version ?? 0) + 1 };
        await replace(path.join(directory, `${request.service}.json`), next);
        return stored(next);
      });
    },
  };
}

function stored({ term, clusterId, version, endpoints }: SliceFile): StoredSlice {
  return { term, clusterId, version: String(version), ips: endpoints.map(({ ip }) => ip) };
}

async function replace(file: string, content: object): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, JSON.stringify(content));
  await rename(temporary, file);
}

async function locked<T>(file: string, work: () => Promise<T>): Promise<T> {
  const endsAt = performance.now() + 3 * LOCK_STALE_MS;
  while (!(await take(file))) {
    if (performance.now() > endsAt) throw new Error(`${file} is held`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function take(file: string): Promise<boolean> {
  try {
    await (await open(file, "wx")).close();
    return true;
  } catch {
    const age = Date.now() - (await stat(file).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs;
    if (age > LOCK_STALE_MS) await rm(file, { force: true });
    return false;
  }
}
