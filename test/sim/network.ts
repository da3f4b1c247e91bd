/** The wires between members. A blocked direction is silent; nothing tells the sender. */
import type { Random } from "./random";

export class Network {
  private readonly blocked = new Set<string>();
  loss = 0;
  duplication = 0;
  /** Share of messages that take up to three seconds, long after everyone has gone on. */
  lateness = 0;
  /** Upper bound of a usual delay, ms; one in a hundred takes up to ten times as long. */
  delayMs = 4;

  constructor(private readonly random: Random) {}

  block(from: string, to: string): void {
    this.blocked.add(`${from}>${to}`);
  }

  heal(): void {
    this.blocked.clear();
  }

  up(from: string, to: string): boolean {
    return this.blocked.size === 0 || !this.blocked.has(`${from}>${to}`);
  }

  delay(): number {
    const usual = this.random.between(0.2, this.delayMs);
    return this.random.odds(0.01) ? usual * 10 : usual;
  }

  /** The delays of the copies that will arrive: none when lost. */
  copies(from: string, to: string): number[] {
    if (!this.up(from, to) || this.random.odds(this.loss)) return [];
    const delays = [this.random.odds(this.lateness) ? this.random.between(200, 3_000) : this.delay()];
    if (this.random.odds(this.duplication)) delays.push(this.delay() + this.random.between(0, 300));
    return delays;
  }
}
