/**
 * The loop between the pure core and the world: one event at a time, its actions in their order.
 *
 * It keeps what agent/raft/types.ts asks of its caller: `persist` is on disk before any later action runs (1),
 * verbs are started and not waited for (2), statements of a lost term are killed before anything else (3), one timer
 * stands at the core's next deadline (4), time is monotonic (6). A throw in here is a bug: the process ends and the
 * supervisor's watchdog fences.
 */
import type { MysqlPort } from "./mysql/port";
import type { ClockPort, CorePort, GatePort, PeersPort, PublisherPort, StorePort } from "./ports";
import type { Action, Event, State, Term, Verb } from "./raft/types";
import { emptyHistory, onStep, onTold, stageOf, type History } from "./history";
import type { Log } from "./log";

export interface RunnerPorts {
  readonly core: CorePort;
  readonly store: StorePort;
  readonly mysql: MysqlPort;
  readonly peers: PeersPort;
  readonly publisher: PublisherPort;
  readonly gate: GatePort;
  readonly clock: ClockPort;
  readonly log: Log;
  /** Stops mysqld and ends the process; nothing is carried out after it. */
  readonly exit: (clean: boolean) => Promise<void>;
  /** A bug: say it and end the process. */
  readonly fatal: (error: unknown) => void;
  /** Counters; called on every event and every action. */
  readonly watch?: RunnerWatch;
  /** Called after each step that changed the state; cheap. */
  readonly onState?: (state: State) => void;
}

export interface RunnerWatch {
  event(event: Event): void;
  action(action: Action): void;
}

export interface Runner {
  /** Queues an event; returns at once. */
  post(event: Event): void;
  snapshot(): State;
  history(): History;
  /** Monotonic ms since which the loop works on one event; undefined when it is idle. */
  busySince(): number | undefined;
  /** Ends the timer and drops what is queued. */
  stop(): void;
}

/** Starts the loop on `initial`. Nothing happens until the first `post`. */
export function createRunner(initial: State, ports: RunnerPorts): Runner {
  return new Loop(initial, ports);
}

class Loop implements Runner {
  private readonly queue: Event[] = [];
  private past: History = emptyHistory;
  private running = false;
  private stopped = false;
  private workingSince: number | undefined;
  private timer: { readonly at: number; readonly cancel: () => void } | undefined;

  constructor(
    private state: State,
    private readonly ports: RunnerPorts,
  ) {}

  post(event: Event): void {
    if (this.stopped) return;
    this.queue.push(event);
    if (this.running) return;
    this.running = true;
    this.drain().catch((error: unknown) => {
      this.stop();
      this.ports.fatal(error);
    });
  }

  snapshot(): State {
    return this.state;
  }

  history(): History {
    return this.past;
  }

  busySince(): number | undefined {
    return this.workingSince;
  }

  stop(): void {
    this.stopped = true;
    this.queue.length = 0;
    this.timer?.cancel();
    this.timer = undefined;
  }

  private async drain(): Promise<void> {
    for (let event = this.queue.shift(); event !== undefined; event = this.queue.shift()) {
      await this.handle(event);
    }
    this.running = false;
  }

  private async handle(event: Event): Promise<void> {
    const { core, clock, mysql, watch, publisher } = this.ports;
    const now = clock.now();
    this.workingSince = now;
    watch?.event(event);
    const before = this.state;
    const [after, actions] = core.step(before, event, { now, chance: clock.chance() });
    this.state = after;
    if (after.durable.term > before.durable.term) mysql.supersede(after.durable.term);
    this.note(before, after, now);
    for (const action of actions) {
      if (this.stopped) return;
      watch?.action(action);
      const pending = this.carryOut(action);
      if (pending) await pending; // Only what must be in force first costs a turn of the event loop.
    }
    if (before !== after) {
      publisher.follow(after);
      this.ports.onState?.(after);
    }
    this.arm();
    this.workingSince = undefined;
  }

  /** Starts the action; a promise when the ones behind it must wait. */
  private carryOut(action: Action): Promise<void> | undefined {
    const { store, peers, mysql, gate, publisher } = this.ports;
    switch (action.do) {
      case "persist":
        return store.save(action.durable); // I3, I4: on disk before any answer leaves.
      case "send":
        return void peers.send(action.to, action.message);
      case "sendByName":
        return void peers.sendByName(action.to, action.message);
      case "verb":
        return this.startVerb(action.term, action.verb);
      case "lease":
        return void mysql.beat(action.until);
      case "watchdog":
        return this.setWatchdog(action.armed);
      case "publish":
        gate.open(action.term);
        return void publisher.publishPrimary(action.term);
      case "closeGate":
        return void gate.close();
      case "tell":
        return this.tell(action);
      case "exit":
        this.stop();
        return this.ports.exit(action.clean);
    }
  }

  private startVerb(term: Term, verb: Verb): undefined {
    this.ports.log.info({ verb: verb.verb, term }, "verb started");
    this.ports.mysql.start(term, verb);
    return undefined;
  }

  /** Arming is waited for: mysqld may open only under a watchdog that is in force (I7). */
  private setWatchdog(armed: boolean): Promise<void> | undefined {
    const done = this.ports.mysql.watchdog(armed);
    if (armed) return done;
    done.catch((error: unknown) => this.ports.log.warn({ error: String(error) }, "watchdog not disarmed"));
    return undefined;
  }

  private tell(action: Extract<Action, { do: "tell" }>): undefined {
    const { log, publisher } = this.ports;
    log.info({ event: action.event }, `event ${action.event.what}`);
    this.past = onTold(this.past, action.event, new Date().toISOString());
    publisher.tell(action.event);
    return undefined;
  }

  private note(before: State, after: State, now: number): void {
    this.past = onStep(this.past, { before, after, now, wall: new Date().toISOString() });
    const term = after.durable.term;
    const [from, to] = [stageOf(before), stageOf(after)];
    if (from !== to || term !== before.durable.term)
      this.ports.log.info({ from, to, term, vote: after.durable.vote }, `${from} -> ${to}`);
    if (before.mysqld !== after.mysqld)
      this.ports.log.info({ term }, `mysqld ${before.mysqld} -> ${after.mysqld}`);
    if (leaderOf(after) !== undefined && leaderOf(after) !== leaderOf(before))
      this.ports.log.info({ term, leader: leaderOf(after) }, "leader known");
  }

  private arm(): void {
    const { core, clock } = this.ports;
    if (this.stopped) return;
    const at = core.nextDeadline(this.state);
    if (at === this.timer?.at) return;
    this.timer?.cancel();
    this.timer = undefined;
    if (at === undefined) return;
    const fire = (): void => {
      this.timer = undefined;
      this.post({ type: "timer" });
    };
    this.timer = { at, cancel: clock.after(Math.max(0, at - clock.now()), fire) };
  }
}

function leaderOf(state: State): string | undefined {
  return state.role.role === "follower" ? state.role.leader : undefined;
}

/** Reports turns of the event loop longer than `limitMs`: they delay heartbeats. Returns the end of the watch. */
export function watchStalls(log: Log, limitMs = 100): () => void {
  const everyMs = 50;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    const stalledMs = Math.round(now - last - everyMs);
    last = now;
    if (stalledMs > limitMs) log.warn({ stalledMs }, "the event loop stalled");
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
