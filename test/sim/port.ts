/**
 * Runs verbs for one agent process, as the real port does: a second verb of one kind waits, a grown term ends the
 * older ones, mysqld's death ends those that need it, and each ends exactly once.
 */
import type { Event, Term, Verb, VerbName } from "../../agent/raft";
import { programOf, UNBOUND, VerbFailure, type Program, type VerbWorld, type Wait } from "./verbs";

const POLL_MS = 8;

interface Job {
  readonly term: Term;
  readonly verb: Verb;
  readonly program: Program;
  /** The mysqld it began with; undefined for those that start one. */
  readonly incarnation: number | undefined;
  ended: boolean;
}

export interface PortHost extends VerbWorld {
  after(ms: number, run: () => void): void;
  /** True time until which the agent's process is stopped, 0 = runs. */
  stalledUntil(): number;
  post(event: Event): void;
  /** After how many ms this verb is to fail unless it ended before, by the schedule. */
  fails(verb: VerbName): number | undefined;
}

const ENDED_BY_FENCE: ReadonlySet<VerbName> = new Set([
  "drain",
  "arm",
  "barrier",
  "open",
  "quiesce",
  "mark",
  "setAcks",
  "exclude",
  "admit",
  "follow",
]);

/** Both move the receiver: they run one after the other, in the order given. */
const laneOf = (verb: VerbName): VerbName => (verb === "follow" ? "stopReceiver" : verb);

export class Port {
  private readonly running = new Map<VerbName, Job>();
  private readonly queued: Job[] = [];
  private dead = false;

  constructor(private readonly host: PortHost) {}

  start(term: Term, verb: Verb): void {
    const program = programOf(this.host, term, verb);
    const needsMysqld = !UNBOUND.has(verb.verb);
    const job: Job = {
      term,
      verb,
      program,
      incarnation: needsMysqld ? this.host.mysqld.incarnation : undefined,
      ended: false,
    };
    if (verb.verb === "fence") this.endWriters();
    if (this.running.has(laneOf(verb.verb))) this.queued.push(job);
    else this.begin(job);
  }

  /** Verbs of our own that go on could open what the fence closes. */
  private endWriters(): void {
    for (const job of [...this.running.values(), ...this.queued])
      if (ENDED_BY_FENCE.has(job.verb.verb)) this.fail(job, "fenced");
  }

  supersede(term: Term): void {
    for (const job of [...this.running.values(), ...this.queued])
      if (job.term < term && !UNBOUND.has(job.verb.verb)) this.fail(job, "superseded");
  }

  /** mysqld's end belongs to one of these verbs while it runs. */
  get ownsMysqld(): boolean {
    return this.running.has("startMysqld") || this.running.has("rewind") || this.running.has("clone");
  }

  /** mysqld died beneath a verb that is starting one. */
  mysqldDied(): void {
    for (const name of ["startMysqld", "rewind"] as const) {
      const job = this.running.get(name);
      if (job !== undefined) this.fail(job, "mysqld died");
    }
  }

  kill(): void {
    this.dead = true;
  }

  private begin(job: Job): void {
    this.running.set(laneOf(job.verb.verb), job);
    const fails = this.host.fails(job.verb.verb);
    if (fails !== undefined) this.host.after(fails, () => this.fail(job, "by schedule"));
    this.host.after(0, () => this.advance(job));
  }

  private advance(job: Job): void {
    if (job.ended || this.dead) return;
    const stall = this.host.stalledUntil() - this.host.now();
    if (stall > 0) return this.host.after(stall, () => this.advance(job));
    const { mysqld } = this.host;
    if (job.incarnation !== undefined && (!mysqld.up || mysqld.incarnation !== job.incarnation))
      return this.fail(job, "mysqld died");
    if (job.incarnation !== undefined && mysqld.stoppedUntil > this.host.now())
      return this.host.after(mysqld.stoppedUntil - this.host.now(), () => this.advance(job));
    this.next(job);
  }

  private next(job: Job): void {
    try {
      const { done, value } = job.program.next();
      if (done === true) this.end(job, value);
      else this.waitFor(job, value);
    } catch (error) {
      if (!(error instanceof VerbFailure)) throw error;
      this.fail(job, error.message);
    }
  }

  private waitFor(job: Job, wait: Wait): void {
    if (typeof wait === "number") return this.host.after(wait, () => this.advance(job));
    if (wait()) return this.next(job);
    this.host.after(POLL_MS, () => this.poll(job, wait));
  }

  private poll(job: Job, wait: () => boolean): void {
    if (job.ended || this.dead) return;
    if (wait()) return this.advance(job);
    const { mysqld } = this.host;
    if (job.incarnation !== undefined && (!mysqld.up || mysqld.incarnation !== job.incarnation))
      return this.fail(job, "mysqld died");
    this.host.after(POLL_MS, () => this.poll(job, wait));
  }

  private end(job: Job, events: readonly Event[]): void {
    this.finish(job);
    for (const event of events) this.host.post(event);
  }

  private fail(job: Job, reason: string): void {
    if (job.ended || this.dead) return;
    this.finish(job);
    this.host.post({ type: "failed", term: job.term, verb: job.verb.verb, reason });
  }

  private finish(job: Job): void {
    job.ended = true;
    const at = this.queued.indexOf(job);
    if (at >= 0) {
      this.queued.splice(at, 1);
      return;
    }
    const name = laneOf(job.verb.verb);
    if (this.running.get(name) === job) this.running.delete(name);
    const following = this.queued.findIndex(({ verb }) => laneOf(verb.verb) === name);
    if (following >= 0 && !this.running.has(name)) this.begin(this.queued.splice(following, 1)[0] as Job);
  }
}
