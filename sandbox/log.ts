/** Progress for a person: one line a step, with its time. */

const started = Date.now();
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** Prints a line with the time since the command began. */
export function say(text: string): void {
  console.log(`[${seconds(Date.now() - started).padStart(7)}] ${text}`);
}

/** Runs one step and prints how long it took; a failure is printed with the step's name and thrown on. */
export async function step<T>(name: string, work: () => Promise<T> | T): Promise<T> {
  const from = Date.now();
  try {
    const result = await work();
    say(`${name} (${seconds(Date.now() - from)})`);
    return result;
  } catch (cause) {
    say(`${name}: failed after ${seconds(Date.now() - from)}`);
    throw cause;
  }
}

/** For a step that takes minutes: says every 15 s that it is still at work. Stop it by calling the result. */
export function heartbeat(name: string, detail: () => string = () => ""): () => void {
  const from = Date.now();
  const timer = setInterval(() => say(`  … ${name}, ${seconds(Date.now() - from)}${detail()}`), 15_000);
  return () => clearInterval(timer);
}
