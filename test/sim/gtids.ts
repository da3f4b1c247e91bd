/**
 * A GTID set that grows one transaction at a time and remembers *which* transaction stands behind each GTID:
 * two transactions under one GTID is the failure that MySQL itself cannot see.
 */
export interface Tx {
  readonly gtid: string;
  readonly source: string;
  readonly n: number;
  readonly kind: "client" | "barrier" | "nudge" | "marker" | "foreign";
}

export function newTx(source: string, n: number, kind: Tx["kind"]): Tx {
  return { gtid: `${source}:${n}`, source, n, kind };
}

export class TxSet {
  readonly byGtid = new Map<string, Tx>();
  private readonly intervals = new Map<string, [number, number][]>();
  private cached: string | undefined;

  static of(list: Iterable<Tx>): TxSet {
    const set = new TxSet();
    for (const tx of list) set.add(tx);
    return set;
  }

  add(tx: Tx): void {
    if (this.byGtid.has(tx.gtid)) return;
    this.byGtid.set(tx.gtid, tx);
    this.cached = undefined;
    const list = this.intervals.get(tx.source);
    const last = list?.at(-1);
    if (list === undefined) this.intervals.set(tx.source, [[tx.n, tx.n]]);
    else if (last !== undefined && last[1] + 1 === tx.n) last[1] = tx.n;
    else insert(list, tx.n);
  }

  /** The very transaction, not merely its GTID. */
  holds(tx: Tx): boolean {
    return this.byGtid.get(tx.gtid) === tx;
  }

  has(gtid: string): boolean {
    return this.byGtid.has(gtid);
  }

  get size(): number {
    return this.byGtid.size;
  }

  /** Highest number under the source, 0 for none. */
  last(source: string): number {
    return this.intervals.get(source)?.at(-1)?.[1] ?? 0;
  }

  text(): string {
    this.cached ??= [...this.intervals]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([source, list]) => [source, ...list.map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`))].join(":"))
      .join(",");
    return this.cached;
  }
}

function insert(list: [number, number][], n: number): void {
  list.push([n, n]);
  list.sort((a, b) => a[0] - b[0]);
  for (let i = list.length - 1; i > 0; i--) {
    const [left, right] = [list[i - 1], list[i]];
    if (left === undefined || right === undefined || left[1] + 1 !== right[0]) continue;
    left[1] = right[1];
    list.splice(i, 1);
  }
}
