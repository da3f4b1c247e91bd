/** Looks at every agent all the time: no term goes back, no primary of an older term serves after a newer one does. */
import type { MemberStatus } from "../../api/agent";
import type { Cluster } from "./cluster";
import { pause } from "./command";

/** One answer, with the monotonic ms at which it was asked for and had. */
export interface Sample {
  readonly askedAt: number;
  readonly hadAt: number;
  readonly status: Pick<MemberStatus, "name" | "memberId" | "role" | "ready" | "term">;
}

/** Keeps what must be remembered of all samples and says what is wrong with the next. */
export class Judge {
  /** Member id → the highest term it answered with, and when that answer was had. */
  private readonly terms = new Map<string, { term: number; hadAt: number }>();
  /** The earliest end of an answer of the newest primary that served. */
  private newest: { term: number; name: string; hadAt: number } | undefined;

  /** I3 and I7: what this sample breaks; empty when nothing. An answer is compared with those it began after. */
  take({ askedAt, hadAt, status }: Sample): string[] {
    const wrong: string[] = [];
    const { memberId, name, term } = status;
    const before = this.terms.get(memberId);
    if (before !== undefined && before.hadAt < askedAt && term < before.term)
      wrong.push(`the term of ${name} went back from ${before.term} to ${term}`);
    if (before === undefined || term > before.term) this.terms.set(memberId, { term, hadAt });
    return status.role === "primary" && status.ready
      ? [...wrong, ...this.serves(name, term, { askedAt, hadAt })]
      : wrong;
  }

  private serves(
    name: string,
    term: number,
    { askedAt, hadAt }: Pick<Sample, "askedAt" | "hadAt">,
  ): string[] {
    const { newest } = this;
    if (newest === undefined || term > newest.term) {
      this.newest = { term, name, hadAt };
      return [];
    }
    if (newest.hadAt < askedAt && term < newest.term)
      return [`${name} serves as primary of term ${term} after ${newest.name} did of ${newest.term}`];
    if (newest.term === term && newest.name !== name)
      return [`${name} and ${newest.name} both serve as primary of term ${term}`];
    return [];
  }
}

/** Asks all members in turn until it is stopped. */
export class Watch {
  readonly wrong: string[] = [];
  /** The last answer of each member. */
  readonly last = new Map<string, MemberStatus>();
  private readonly judge = new Judge();
  private running = true;
  private readonly loops: Promise<unknown>;

  constructor(
    private readonly cluster: Cluster,
    private readonly everyMs = 150,
  ) {
    this.loops = Promise.all(cluster.members.map(({ name }) => this.follow(name)));
  }

  async stop(): Promise<void> {
    this.running = false;
    await this.loops;
  }

  private async follow(name: string): Promise<void> {
    const member = this.cluster.member(name);
    while (this.running) {
      const askedAt = performance.now();
      const status = await member.status(3_000).catch(() => undefined);
      if (status !== undefined) {
        this.wrong.push(...this.judge.take({ askedAt, hadAt: performance.now(), status }));
        this.last.set(name, status);
      }
      await pause(this.everyMs);
    }
  }
}
