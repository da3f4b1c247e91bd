/** Waits with a deadline: each says what it waits for, and what it saw last when the time was up. */

export const sleep = (ms: number): Promise<void> => new Promise((wake) => setTimeout(wake, ms));

export interface WaitOptions {
  readonly deadlineMs: number;
  /** Default 100. */
  readonly everyMs?: number;
}

/** A wait that was in vain; the message is for the person who started the command. */
export class Overdue extends Error {}

/**
 * Asks until the answer is ready. `probe` returns `{ value }` when it is, else a sentence that says what is
 * missing; an error of the probe is such a sentence too. @throws Overdue with the last one.
 */
export async function waitFor<T>(
  what: string,
  { deadlineMs, everyMs = 100 }: WaitOptions,
  probe: () => Promise<{ readonly value: T } | string> | { readonly value: T } | string,
): Promise<T> {
  const end = Date.now() + deadlineMs;
  let last = "nothing seen";
  do {
    try {
      const answer = await limit(Math.max(1000, end - Date.now()), Promise.resolve(probe()));
      if (typeof answer !== "string") return answer.value;
      last = answer;
    } catch (cause) {
      last = sentence(cause);
    }
    await sleep(everyMs);
  } while (Date.now() < end);
  throw new Overdue(`${what}: not after ${Math.round(deadlineMs / 1000)} s; last seen: ${last}`);
}

/** The work's answer, or an error after `ms`; the work itself goes on. */
export async function limit<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error(`no answer in ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What an error says, in one line. */
export function sentence(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return text.split("\n")[0] ?? "";
}
