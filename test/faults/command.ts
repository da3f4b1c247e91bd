import { execFile } from "node:child_process";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Runs a program to its end (30 s at most). @throws Error with what it wrote to its standard error. */
export async function command(program: string, args: readonly string[]): Promise<string> {
  try {
    return (await execute(program, [...args], { timeout: 30_000 })).stdout;
  } catch (cause) {
    const { stderr = "", message } = cause as { stderr?: string; message: string };
    throw new Error(`${program} ${args.join(" ")}: ${stderr.trim() || message}`, { cause });
  }
}

/** Resolves after `ms`. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Polls until it holds. `what` may be asked anew at the end. @throws Error naming what did not come. */
export async function waitFor(
  what: string | (() => string),
  holds: () => boolean | Promise<boolean>,
  { limitMs = 15_000, everyMs = 25 } = {},
): Promise<void> {
  const until = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > until)
      throw new Error(`not within ${limitMs} ms: ${typeof what === "string" ? what : what()}`);
    await pause(everyMs);
  }
}
