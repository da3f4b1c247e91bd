/**
 * The keyed work queue: what Pepr's own queue does not do (pepr-facts 1.4: no retry, no backoff, no coalescing).
 *
 * A key waits at most once, however often it is added; one run per key at a time; keys run in parallel up to a
 * limit; a failed run comes again after a backoff with jitter; a run may ask to come again. A key added while it
 * runs, runs once more afterwards: a change is never missed, delivery is never trusted.
 *
 * Time and chance are arguments (style.md), so the tests need no waiting.
 */

/** What a run answers: undefined or {} = done until somebody adds the key. */
export interface RunResult {
  readonly requeueAfterMs?: number;
}

export interface QueueOptions {
  /** Keys that run at the same time. */
  readonly parallel: number;
  /** First wait after a failure; doubles with each further one. */
  readonly baseMs: number;
  readonly maxMs: number;
}

export interface Timers {
  set(run: () => void, ms: number): unknown;
  clear(handle: unknown): void;
  /** In [0, 1). */
  random(): number;
}

export const realTimers: Timers = {
  set: (run, ms) => setTimeout(run, ms),
  clear: (handle) => clearTimeout(handle as NodeJS.Timeout),
  random: Math.random,
};

export interface QueueHooks {
  run(key: string): Promise<RunResult | undefined>;
  /** A run failed for the `failures`-th time in a row; the next one comes in `retryMs`. */
  failed(key: string, failures: number, error: unknown): void;
}

interface Entry {
  running: boolean;
  /** Added while it ran. */
  again: boolean;
  failures: number;
  timer?: unknown;
}

export class WorkQueue {
  private readonly entries = new Map<string, Entry>();
  private readonly waiting: string[] = [];
  private running = 0;
  private stopped = false;

  constructor(
    private readonly hooks: QueueHooks,
    private readonly options: QueueOptions,
    private readonly timers: Timers = realTimers,
  ) {}

  /** Keys that wait for a free place; for a gauge. */
  get depth(): number {
    return this.waiting.length;
  }

  /** Runs the key as soon as there is a place, also when it waits for a retry. */
  add(key: string): void {
    if (this.stopped) return;
    const entry = this.entries.get(key) ?? { running: false, again: false, failures: 0 };
    this.entries.set(key, entry);
    this.disarm(entry);
    if (entry.running) {
      entry.again = true;
      return;
    }
    if (!this.waiting.includes(key)) this.waiting.push(key);
    this.fill();
  }

  /** Nothing starts any more; what runs, ends. */
  stop(): void {
    this.stopped = true;
    this.waiting.length = 0;
    for (const entry of this.entries.values()) this.disarm(entry);
  }

  private fill(): void {
    while (this.running < this.options.parallel) {
      const key = this.waiting.shift();
      if (key === undefined) return;
      void this.start(key);
    }
  }

  private async start(key: string): Promise<void> {
    const entry = this.entries.get(key);
    if (!entry) return;
    entry.running = true;
    this.running += 1;
    let waitMs: number | undefined;
    try {
      const result = await this.hooks.run(key);
      entry.failures = 0;
      waitMs = result?.requeueAfterMs;
    } catch (error) {
      entry.failures += 1;
      waitMs = this.backoffMs(entry.failures);
      this.hooks.failed(key, entry.failures, error);
    }
    entry.running = false;
    this.running -= 1;
    this.settle(key, entry, waitMs);
    this.fill();
  }

  private settle(key: string, entry: Entry, waitMs: number | undefined): void {
    if (this.stopped) return;
    if (entry.again) {
      entry.again = false;
      this.waiting.push(key);
    } else if (waitMs !== undefined) {
      entry.timer = this.timers.set(() => this.add(key), waitMs);
    } else {
      this.entries.delete(key);
    }
  }

  /** Between half and all of base × 2^(failures - 1): clusters that failed together do not come back together. */
  private backoffMs(failures: number): number {
    const full = Math.min(this.options.maxMs, this.options.baseMs * 2 ** (failures - 1));
    return full / 2 + (full / 2) * this.timers.random();
  }

  private disarm(entry: Entry): void {
    if (entry.timer !== undefined) this.timers.clear(entry.timer);
    entry.timer = undefined;
  }
}
