/**
 * Runs verbs: those of one lane one after the other, each ended exactly once by an event, never by an exception.
 *
 * A verb that is bound to a term ends as `failed` when the term has moved on, its statement killed; `startMysqld`,
 * `rewind`, `clone` and `fence` are bound to none (agent/raft/types.ts, 3).
 */
import type { Event, Term, Verb, VerbName } from "../raft/types";
import type { Monitor } from "./monitor";
import type { Server } from "./server";
import { messageOf, type Session } from "./session";
import { handlers } from "./verbs";
import { Superseded, type Handler, type VerbContext } from "./verbs/context";

const UNBOUND: ReadonlySet<VerbName> = new Set<VerbName>(["startMysqld", "rewind", "clone", "fence"]);

/** Verbs that work on the receiver keep the order they were given in: a late STOP would undo a `follow`. */
const LANES: { readonly [Name in VerbName]?: string } = {
  stopReceiver: "receiver",
  follow: "receiver",
  exclude: "accounts",
  admit: "accounts",
};
const laneOf = (name: VerbName): string => LANES[name] ?? name;

/** Verbs that end others: a fence those that could open what it closes, a stop the receiver's start. */
const ENDS: { readonly [Name in VerbName]?: readonly VerbName[] } = {
  fence: ["drain", "arm", "barrier", "open", "quiesce", "mark", "follow", "setAcks", "exclude", "admit"],
  stopReceiver: ["follow"],
};

interface Running {
  readonly name: VerbName;
  readonly term: Term;
  readonly abort: AbortController;
  ended: Promise<void>;
}

export class VerbRunner {
  private readonly running = new Set<Running>();
  private readonly lanes = new Map<string, Promise<void>>();
  private floor: Term = 0;

  constructor(
    private readonly server: Server,
    private readonly monitor: Monitor,
    private readonly emit: (event: Event) => void,
  ) {}

  start(term: Term, verb: Verb): void {
    // Ended when asked for, not when begun: what is to be stopped must not begin in between.
    for (const other of this.running) if (ENDS[verb.verb]?.includes(other.name)) this.end(other);
    const lane = laneOf(verb.verb);
    const before = this.lanes.get(lane) ?? Promise.resolve();
    const running: Running = { name: verb.verb, term, abort: new AbortController(), ended: before };
    running.ended = before.then(() => this.run(running, verb));
    this.lanes.set(lane, running.ended);
    this.running.add(running);
    void running.ended.then(() => this.running.delete(running));
  }

  /** Work on the receiver or applier that is no verb, in its turn. Never rejects; `what` is for the log. */
  aside(what: string, work: (session: Session) => Promise<void>): void {
    const before = this.lanes.get("receiver") ?? Promise.resolve();
    const done = before.then(() => work(this.server.session("aside")));
    const log = (error: unknown): void => this.server.options.log(what, { error: messageOf(error) });
    this.lanes.set("receiver", done.catch(log));
  }

  supersede(term: Term): void {
    this.floor = Math.max(this.floor, term);
    for (const running of this.running)
      if (running.term < this.floor && !UNBOUND.has(running.name)) this.end(running);
  }

  /** What runs now, for status pages. */
  get names(): VerbName[] {
    return [...this.running].map(({ name }) => name);
  }

  private end(running: Running): void {
    if (running.abort.signal.aborted) return;
    const reason = new Superseded();
    running.abort.abort(reason);
    this.server.session(running.name).abort(reason);
  }

  /** Resolves when those that `of` ended are gone, on the server too. Later ones may wait for `of` itself. */
  private async othersEnded(of: Running): Promise<void> {
    const all = [...this.running];
    const earlier = all.slice(0, all.indexOf(of)).filter(({ name }) => ENDS[of.name]?.includes(name));
    await Promise.all(earlier.map(({ ended }) => ended));
    await this.server.settled();
  }

  private async run(running: Running, verb: Verb): Promise<void> {
    const { term, name } = running;
    let events: Event | readonly Event[];
    try {
      this.assertWanted(running);
      if (!UNBOUND.has(name)) await this.server.settled();
      this.assertWanted(running);
      // The handler of a name takes the verb of that name; TypeScript cannot follow the index.
      events = await (handlers[name] as Handler<VerbName>)(this.context(running), verb as never);
    } catch (error) {
      events = { type: "failed", term, verb: name, reason: messageOf(error) };
    }
    for (const event of [events].flat()) this.emit(event);
  }

  private assertWanted({ abort, term, name }: Running): void {
    if (abort.signal.aborted || (term < this.floor && !UNBOUND.has(name))) throw new Superseded();
  }

  private context(running: Running): VerbContext {
    const { server, monitor } = this;
    const session = server.session(running.name);
    return {
      server,
      monitor,
      term: running.term,
      session,
      check: () => this.assertWanted(running),
      query: async (sql, limitMs) => {
        const rows = await session.query(sql, limitMs);
        this.assertWanted(running);
        return rows;
      },
      othersEnded: () => this.othersEnded(running),
    };
  }
}
