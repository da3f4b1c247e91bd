/** One process of the agent: the real core, and a runner that keeps the contract of agent/raft/types.ts in true time. */
import type { Action, Durable, Event, Input, Message, State, Step, Told, Tuning } from "../../agent/raft";
import type { Agenda } from "./clock";
import { Port, type PortHost } from "./port";
import type { Random } from "./random";

export interface Core {
  step(state: State, event: Event, input: Input): Step;
  nextDeadline(state: State): number | undefined;
  initialState(durable: Durable, tuning: Tuning, dataless?: boolean): State;
}

/** What the process stands on: its pod and the world. */
export interface AgentHost {
  readonly name: string;
  readonly agenda: Agenda;
  readonly random: Random;
  readonly core: Core;
  /** How fast this machine's clock runs against true time. */
  readonly clockRate: number;
  readonly tuning: Tuning;
  readonly dataless: boolean;
  /** The volume is full: then the process has ended. */
  diskFull(): boolean;
  readonly verbs: Omit<PortHost, "after" | "post" | "stalledUntil">;
  stalledUntil(): number;
  diskDelay(): number;
  /** The state is on disk. */
  stored(durable: Durable): void;
  /** `to`: a member's id, or an instance's name. */
  send(to: string, message: Message): void;
  beat(untilTrue: number): void;
  watchdog(armed: boolean): void;
  publish(term: number): void;
  gate(open: boolean): void;
  tell(event: Told): void;
  exit(clean: boolean): void;
  stepped(agent: AgentProcess, event: Event, before: State, step: Step): void;
}

export class AgentProcess {
  state: State;
  readonly port: Port;
  alive = true;
  private zero: number;
  private readonly bootedAt: number;
  private readonly events: Event[] = [];
  private actions: Action[] = [];
  private busy = false;
  private writing: Durable | undefined;
  private timerAt: number | undefined;

  constructor(
    private readonly host: AgentHost,
    durable: Durable,
  ) {
    this.zero = host.random.between(0, 50_000);
    this.bootedAt = host.agenda.now;
    this.state = host.core.initialState(durable, host.tuning, host.dataless);
    this.port = new Port({
      ...host.verbs,
      after: (ms, run) => host.agenda.after(ms, run),
      stalledUntil: () => host.stalledUntil(),
      post: (event) => this.post(event),
    });
  }

  get localNow(): number {
    return this.zero + (this.host.agenda.now - this.bootedAt) * this.host.clockRate;
  }

  trueTime(local: number): number {
    return this.bootedAt + (local - this.zero) / this.host.clockRate;
  }

  /** The clock leaps ahead. */
  jump(ms: number): void {
    this.zero += ms;
    this.armTimer();
  }

  post(event: Event): void {
    if (!this.alive) return;
    this.events.push(event);
    if (!this.busy) this.work();
  }

  /** SIGKILL. A write under way may have reached the disk or not. */
  kill(): void {
    this.alive = false;
    this.port.kill();
    if (this.writing !== undefined && this.host.random.odds(0.5)) this.host.stored(this.writing);
    this.writing = undefined;
  }

  private work(): void {
    this.busy = true;
    while (this.alive) {
      if (this.waitOutStall()) return;
      const action = this.actions.shift();
      if (action !== undefined) {
        const pause = this.carryOut(action);
        if (pause) return;
        continue;
      }
      const event = this.events.shift();
      if (event === undefined) break;
      this.step(event);
    }
    this.busy = false;
    this.armTimer();
  }

  private waitOutStall(): boolean {
    const stall = this.host.stalledUntil() - this.host.agenda.now;
    if (stall <= 0) return false;
    this.host.agenda.after(stall, () => this.work());
    return true;
  }

  private step(event: Event): void {
    const before = this.state;
    const input: Input = { now: this.localNow, chance: this.host.random.next() };
    const step = this.host.core.step(before, event, input);
    this.state = step[0];
    if (this.state.durable.term > before.durable.term) this.port.supersede(this.state.durable.term);
    this.actions = [...step[1]];
    this.host.stepped(this, event, before, step);
  }

  /** True when the ones behind it must wait; then it goes on by itself. */
  private carryOut(action: Action): boolean {
    const { host } = this;
    switch (action.do) {
      case "persist":
        if (host.diskFull()) return true;
        this.writing = action.durable;
        return this.pause(host.diskDelay(), () => {
          this.writing = undefined;
          host.stored(action.durable);
        });
      case "send":
        host.send(action.to, action.message);
        return false;
      case "sendByName":
        host.send(action.to, action.message);
        return false;
      case "verb":
        if (host.dataless) throw new Error(`a witness is asked for ${action.verb.verb}`);
        this.port.start(action.term, action.verb);
        return false;
      case "lease":
        host.beat(this.trueTime(action.until));
        return false;
      case "watchdog":
        if (action.armed) return this.pause(host.random.between(0.2, 3), () => host.watchdog(true));
        host.watchdog(false);
        return false;
      case "publish":
        host.gate(true);
        host.publish(action.term);
        return false;
      case "closeGate":
        host.gate(false);
        return false;
      case "tell":
        host.tell(action.event);
        return false;
      case "exit":
        host.exit(action.clean);
        return true;
    }
  }

  private pause(ms: number, then: () => void): boolean {
    this.host.agenda.after(ms, () => {
      if (!this.alive) return;
      then();
      this.work();
    });
    return true;
  }

  private armTimer(): void {
    if (!this.alive) return;
    const local = this.host.core.nextDeadline(this.state);
    if (local === undefined) return;
    const at = this.trueTime(local);
    if (this.timerAt !== undefined && this.timerAt <= at) return; // Early is harmless: it arms anew.
    this.timerAt = at;
    const late = this.host.random.between(0.05, 3);
    this.host.agenda.at(Math.max(at, this.host.agenda.now) + late, () => {
      if (this.timerAt !== at) return;
      this.timerAt = undefined;
      this.post({ type: "timer" });
    });
  }
}
