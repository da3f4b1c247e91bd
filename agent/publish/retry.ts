/**
 * Keeps one thing in the world equal to the newest value wanted: one attempt at a time, the newest value wins, a
 * failed attempt is made again with growing pauses, two good ones keep their distance.
 */
export interface Keeper<T> {
  /** The value wanted from now on. A value equal to the one in force costs nothing. */
  want(value: T): void;
  close(): void;
}

export interface KeeperOptions<T> {
  readonly apply: (value: T) => Promise<void>;
  readonly same: (a: T, b: T) => boolean;
  /** Milliseconds between the starts of two attempts with different values. */
  readonly everyMs: number;
  readonly onError: (error: unknown, tries: number) => void;
  readonly retryMaxMs?: number;
}

const RETRY_MS = 200;

/** A keeper that wants nothing yet. */
export function createKeeper<T>(options: KeeperOptions<T>): Keeper<T> {
  let wanted: { readonly value: T } | undefined;
  let inForce: { readonly value: T } | undefined;
  let timer: NodeJS.Timeout | undefined;
  let busy = false;
  let closed = false;
  let tries = 0;
  let lastStart = -Infinity;

  const schedule = (ms: number): void => {
    if (timer || busy || closed) return;
    timer = setTimeout(() => void attempt(), ms);
  };
  const attempt = async (): Promise<void> => {
    timer = undefined;
    const target = wanted;
    if (!target || closed || (inForce && options.same(inForce.value, target.value))) return;
    busy = true;
    lastStart = performance.now();
    const error = await options.apply(target.value).then(
      () => undefined,
      (reason: unknown) => reason ?? new Error("failed"),
    );
    busy = false;
    tries = error === undefined ? 0 : tries + 1;
    if (error === undefined) inForce = target;
    else {
      inForce = undefined; // Half done is not done.
      options.onError(error, tries);
    }
    if (error !== undefined)
      return schedule(Math.min(options.retryMaxMs ?? 10_000, RETRY_MS * 2 ** (tries - 1)));
    if (wanted && !options.same(wanted.value, target.value)) schedule(pause());
  };
  const pause = (): number => Math.max(0, lastStart + options.everyMs - performance.now());
  return {
    want(value) {
      wanted = { value };
      if (inForce && options.same(inForce.value, value)) return;
      schedule(pause());
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
