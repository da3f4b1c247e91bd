/**
 * What may be under way to one peer. Behind a black hole every message hangs until its time is out; without a bound
 * they would pile up and be delivered stale when the link heals. So: a few in flight, of heartbeats only the newest
 * waits, of the rest a short queue whose oldest falls out (messages may be lost, types.ts 5).
 */
export interface Parcel {
  /** Parcels of one kind replace each other while they wait; undefined = each counts. */
  readonly kind?: string;
  readonly body: string;
}

export interface LaneOptions {
  readonly inFlightMax: number;
  readonly waitingMax: number;
  /** Delivers one parcel within its time; its failure is its own matter. */
  readonly deliver: (parcel: Parcel) => Promise<void>;
}

export interface Lane {
  put(parcel: Parcel): void;
  /** For tests and metrics. */
  load(): { readonly inFlight: number; readonly waiting: number };
}

/** A lane to one peer. */
export function createLane({ inFlightMax, waitingMax, deliver }: LaneOptions): Lane {
  let inFlight = 0;
  let waiting: Parcel[] = [];
  const start = (parcel: Parcel): void => {
    inFlight += 1;
    const done = (): void => {
      inFlight -= 1;
      const next = waiting.shift();
      if (next) start(next);
    };
    deliver(parcel).then(done, done);
  };
  return {
    put(parcel) {
      if (inFlight < inFlightMax) return start(parcel);
      if (parcel.kind !== undefined) waiting = waiting.filter(({ kind }) => kind !== parcel.kind);
      waiting.push(parcel);
      if (waiting.length > waitingMax) waiting.shift();
    },
    load: () => ({ inFlight, waiting: waiting.length }),
  };
}
