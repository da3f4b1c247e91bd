import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { CHECKOUT, LOCK_FILE } from "./config";
import { say } from "./log";
import { isAlive, processStart } from "./processes";
import { Refusal } from "./run";

/** Who holds something that only one may hold. */
export interface Holder {
  readonly checkout: string;
  readonly pid: number;
  /** Distinguishes the process from a later one with the same pid. */
  readonly start?: string;
}

/** Reads who holds a lock; absent when nobody does or the file is torn. */
export function holder(file: string = LOCK_FILE): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Holder;
  } catch {
    return undefined;
  }
}

export const holderAlive = (held: Holder): boolean => isAlive(held.pid, held.start);

/** What to do on finding the machine's sandbox lock. Pure: the facts are arguments. */
export function decideLock(
  held: Holder | undefined,
  facts: { readonly checkout: string; readonly alive: boolean },
): "free" | "ours" | "stale" | "refused" {
  if (!held) return "free";
  if (held.checkout === facts.checkout) return "ours";
  return facts.alive ? "refused" : "stale";
}

/** @throws Refusal when another checkout's sandbox runs. Returns the checkout of a dead one, to be cleaned. */
export function checkMachine(): string | undefined {
  const held = holder();
  const verdict = decideLock(held, { checkout: CHECKOUT, alive: held !== undefined && holderAlive(held) });
  if (verdict === "refused" && held) {
    throw new Refusal(
      `The sandbox of this machine is held by the checkout ${held.checkout} (process ${held.pid}); ` +
        `end it there with: npx tsx sandbox/main.ts down`,
    );
  }
  return verdict === "stale" ? held?.checkout : undefined;
}

/** Writes our name on the machine's sandbox; `pid` is the process whose life is the sandbox's. */
export function takeMachine(pid: number): void {
  const record: Holder = { checkout: CHECKOUT, pid, start: processStart(pid) };
  const file = openSync(LOCK_FILE, "w", 0o644);
  writeSync(file, JSON.stringify(record));
  closeSync(file);
}

export const releaseMachine = (): void => rmSync(LOCK_FILE, { force: true });

/** Runs `work` while no other process does so under the same lock file; waits for a living one to end. */
export async function exclusively<T>(file: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  let told = false;
  while (!tryTake(file)) {
    const held = holder(file);
    if (held && !holderAlive(held)) {
      rmSync(file, { force: true });
      continue;
    }
    if (!told && held) say(`waiting for ${held.checkout} (process ${held.pid}), which does the same now`);
    told = true;
    await new Promise((wake) => setTimeout(wake, 500));
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function tryTake(file: string): boolean {
  try {
    const handle = openSync(file, "wx");
    writeSync(
      handle,
      JSON.stringify({ checkout: CHECKOUT, pid: process.pid, start: processStart(process.pid) }),
    );
    closeSync(handle);
    return true;
  } catch {
    return false;
  }
}
