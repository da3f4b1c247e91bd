/** The order of a comparison and what is made of it. Pure. */

export interface Sample {
  readonly who: string;
  readonly writers: number;
  readonly round: number;
  readonly perSecond: number;
  /** Commit latency, ms. */
  readonly p50: number;
  readonly p99: number;
}

/** One round: for each number of writers every contestant, next to each other; who is first moves on each round. */
export function order<Who>(
  contestants: readonly Who[],
  writers: readonly number[],
  round: number,
): [Who, number][] {
  const first = round % contestants.length;
  const turned = [...contestants.slice(first), ...contestants.slice(0, first)];
  return writers.flatMap((count) => turned.map((who): [Who, number] => [who, count]));
}

/** Throughput of one over that of another in the same round: what else the machine does falls on both. */
export function ratios(samples: readonly Sample[], who: string, to: string, writers: number): number[] {
  const at = (name: string, round: number): number | undefined =>
    samples.find((one) => one.who === name && one.writers === writers && one.round === round)?.perSecond;
  const rounds = [...new Set(samples.map(({ round }) => round))];
  return rounds.flatMap((round) => {
    const [own, other] = [at(who, round), at(to, round)];
    return own === undefined || other === undefined ? [] : [Math.round((own / other) * 1000) / 1000];
  });
}
