/** Builds shim.c with the machine's gcc and turns its two knobs. */
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { command } from "./command";

/** Compiles the shim into the directory; returns its path. */
export async function buildShim(directory: string): Promise<string> {
  const library = join(directory, "shim.so");
  const source = join(__dirname, "shim.c");
  await command("gcc", ["-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, source, "-ldl"]);
  return library;
}

/** One member's knobs. All its processes see a turn at once. */
export class Shim {
  private readonly file: number;

  constructor(
    private readonly library: string,
    readonly path: string,
  ) {
    this.file = openSync(path, "w+");
    writeSync(this.file, Buffer.alloc(4096), 0, 4096, 0);
  }

  /** Environment that loads it. */
  get env(): Record<string, string> {
    return { LD_PRELOAD: this.library, PORPOISE_SHIM_CONTROL: this.path };
  }

  /** Every fsync and fdatasync takes this much longer; 0 = as the disk is. */
  slowFsync(ms: number): void {
    this.put(0, BigInt(Math.round(ms * 1_000)));
  }

  /** The wall clock is ahead by this; negative = behind. */
  moveClock(ms: number): void {
    this.put(1, BigInt(Math.round(ms)) * 1_000_000n);
  }

  close(): void {
    closeSync(this.file);
  }

  private put(index: number, value: bigint): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    writeSync(this.file, bytes, 0, 8, index * 8);
  }
}
