/** Figures for status and metrics that must not be read on the way: sampled every few seconds. */
import { readFile, statfs } from "node:fs/promises";
import type { MemberStatus } from "../api/agent";

export interface Figures {
  disk(): MemberStatus["disk"];
  /** Of the parent process, which in a pod is the supervisor. */
  supervisorRssBytes(): number | undefined;
  close(): void;
}

const PAGE_BYTES = 4096;

/** Samples the volume that `directory` lies on, and the parent's memory. */
export function watchFigures(directory: string, everyMs = 10_000): Figures {
  let disk: MemberStatus["disk"];
  let supervisor: number | undefined;
  const sample = async (): Promise<void> => {
    const volume = await statfs(directory).catch(() => undefined);
    disk = volume && { freeBytes: volume.bavail * volume.bsize, totalBytes: volume.blocks * volume.bsize };
    const pages = (await readFile(`/proc/${process.ppid}/statm`, "utf8").catch(() => "")).split(" ")[1];
    supervisor = pages === undefined ? undefined : Number(pages) * PAGE_BYTES;
  };
  void sample();
  const timer = setInterval(() => void sample(), everyMs).unref();
  return { disk: () => disk, supervisorRssBytes: () => supervisor, close: () => clearInterval(timer) };
}
