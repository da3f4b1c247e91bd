/** A pod: volume, mysqld, agent process, and the supervisor that is the parent of both. */
import { freshDurable, type Durable, type Event, type Message, type VerbName } from "../../agent/raft";
import { AgentProcess, type AgentHost } from "./agent";
import { Mysqld, Volume } from "./mysqld";
import type { Intent } from "./controller";
import type { World } from "./world";

/** The supervisor's kill after the lease ran out; the agent's own fence should be first. */
const WATCHDOG_GRACE_MS = 30;

export class Member {
  durable: Durable;
  readonly mysqld: Mysqld;
  agent: AgentProcess | undefined;
  stalledUntil = 0;
  slowDiskUntil = 0;
  failingUntil = 0;
  /** Verbs that fail here whatever the schedule says. */
  readonly failing = new Set<VerbName>();
  gateOpen = false;
  podUp = false;
  /** The controller has no pod for it. */
  parked = false;
  /** A story wants the pod to stay although nobody wants the member. */
  deleteNever = false;
  /** Nothing can be written to the volume until then. */
  fullUntil = 0;
  /** What the agent keeps on disk of the controller's wishes. */
  private held: Intent | undefined;
  /** Set while an ending pod has not ended. */
  ending = false;
  leaseUntil = -Infinity;
  private armed = false;
  private armedAt = 0;
  private nonce = 1;
  private applying = false;
  private readonly clockRate: number;
  private readonly applyMs: number;

  constructor(
    readonly name: string,
    private readonly world: World,
    /** A witness: no mysqld. */
    readonly dataless = false,
  ) {
    const { random } = world;
    this.clockRate = 1 + random.between(-0.004, 0.004);
    this.applyMs = random.odds(0.15) ? random.between(5, 30) : random.between(0.2, 2);
    this.durable = freshDurable(`${name}.n1`);
    this.mysqld = new Mysqld(name, new Volume(random.uuid()), {
      full: () => this.fullUntil > world.agenda.now,
      acknowledged: (tx, ackers) => world.judge.acknowledge(name, tx, ackers),
      appended: () => undefined,
    });
  }

  get memberId(): string {
    return this.durable.memberId;
  }

  // ------------------------------------------------------------ pod and processes

  startPod(): void {
    if (this.podUp || this.parked) return;
    this.podUp = true;
    this.ending = false;
    this.armed = false;
    this.startAgent();
  }

  /** The controller deletes the pod and its volume. */
  park(): void {
    if (this.parked || this.deleteNever) return;
    this.world.trace?.(`${this.name} is deleted`);
    this.killPod(1);
    this.parked = true;
    this.wipe();
  }

  unpark(): void {
    if (!this.parked) return;
    this.parked = false;
    this.startPod();
  }

  startAgent(): void {
    if (!this.podUp || this.agent !== undefined) return;
    this.onRestart();
    const { mysqld } = this;
    this.agent = new AgentProcess(this.host(), this.durable);
    const writable =
      mysqld.up && (this.armed || !mysqld.superReadOnly || !mysqld.readOnly || mysqld.semisync);
    this.world.trace?.(
      `${this.name} agent starts (mysqld ${mysqld.up ? "running" : "down"}${writable ? ", writable" : ""})`,
    );
    this.agent.post({
      type: "started",
      mysqld: mysqld.up ? "running" : "down",
      writable,
      unsafeData: this.mysqld.volume.unsafe,
    });
    if (this.held === undefined) this.postIntent();
    else this.agent?.post(this.held);
  }

  postIntent(): void {
    if (this.agent === undefined) return;
    this.held = this.world.controller.intent;
    this.agent.post(this.held);
  }

  killAgent(restartMs: number): void {
    if (this.agent === undefined) return;
    this.world.trace?.(`${this.name} agent dies`);
    this.agent.kill();
    this.agent = undefined;
    this.gateOpen = false;
    this.world.agenda.after(restartMs, () => this.startAgent());
  }

  killMysqld(why: string): void {
    if (!this.mysqld.up) {
      this.agent?.port.mysqldDied();
      return;
    }
    this.world.trace?.(`${this.name} mysqld dies: ${why} (${this.mysqld.waiting} waiting)`);
    this.mysqld.kill();
    this.armed = false; // Nothing is left to kill.
    const port = this.agent?.port;
    if (port?.ownsMysqld === true) port.mysqldDied();
    else this.agent?.post({ type: "mysqldExited" });
  }

  killPod(restartMs: number): void {
    if (!this.podUp) return;
    this.agent?.kill();
    this.agent = undefined;
    this.gateOpen = false;
    this.stopMysqld("the pod dies");
    this.podUp = false;
    this.stalledUntil = 0;
    this.world.agenda.after(restartMs, () => this.startPod());
  }

  private stopMysqld(why: string): void {
    if (this.mysqld.up)
      this.world.trace?.(`${this.name} mysqld dies: ${why} (${this.mysqld.waiting} waiting)`);
    this.mysqld.kill();
    this.armed = false;
  }

  /** SIGTERM to the pod: the agent hands over, ends; kubelet kills what is left. */
  shutdown(restartMs: number): void {
    if (this.agent === undefined || this.ending) return this.killPod(restartMs);
    this.ending = true;
    this.restartMs = restartMs;
    this.agent.post({ type: "shutdown" });
    const { agent } = this;
    this.world.agenda.after(12_000, () => this.agent === agent && this.killPod(restartMs));
  }

  private restartMs = 500;

  private onExit(clean: boolean): void {
    const { mysqld } = this;
    this.world.trace?.(`${this.name} exits, clean=${clean}`);
    if (clean && mysqld.up && mysqld.waiting === 0 && mysqld.superReadOnly) mysqld.terminate();
    this.killPod(this.restartMs);
  }

  /** The volume is lost: whoever comes back under this name is another member. */
  wipe(): void {
    this.durable = freshDurable(`${this.name}.n${++this.nonce}`);
    this.held = undefined;
    this.mysqld.volume = new Volume(this.world.random.uuid());
    this.mysqld.locked.clear();
    this.mysqld.rebuild();
  }

  losePower(lost: number): void {
    this.mysqld.losePower(lost);
  }

  // ------------------------------------------------------------ supervisor

  private beat(until: number): void {
    this.leaseUntil = until;
    this.watch();
  }

  private watchdog(armed: boolean): void {
    this.armed = armed && this.mysqld.up;
    this.armedAt = this.world.agenda.now;
    this.watch();
  }

  private watch(): void {
    if (!this.armed) return;
    const end = Math.max(this.leaseUntil, this.armedAt + 50) + WATCHDOG_GRACE_MS;
    this.world.agenda.at(end, () => {
      if (
        !this.armed ||
        Math.max(this.leaseUntil, this.armedAt + 50) + WATCHDOG_GRACE_MS > this.world.agenda.now
      )
        return;
      this.killMysqld("watchdog");
    });
  }

  // ------------------------------------------------------------ applier

  /** Something came for the applier, or it was started. */
  wake(): void {
    if (this.applying) return;
    this.applying = true;
    this.world.agenda.after(this.applyMs, () => {
      this.applying = false;
      const { mysqld } = this;
      if (!mysqld.up || !mysqld.applier || mysqld.volume.relay.length === 0) return;
      if (mysqld.stoppedUntil <= this.world.agenda.now && !mysqld.full) mysqld.apply(4);
      this.wake();
    });
  }

  // ------------------------------------------------------------ rim

  receive(message: Message): void {
    this.agent?.post({ type: "message", message });
  }

  post(event: Event): void {
    this.agent?.post(event);
  }

  observe(): void {
    const { mysqld, agent } = this;
    if (agent === undefined || !mysqld.up || agent.port.ownsMysqld) return;
    const serving = !mysqld.offline && mysqld.receiver !== undefined;
    const lagMs = mysqld.volume.relay.length * 2;
    agent.post({
      type: "observed",
      received: mysqld.received.text(),
      health: { serving, lagMs, address: this.name },
    });
  }

  private host(): AgentHost {
    const { world, name, clockRate, mysqld } = this;
    const { agenda, random, core, judge } = world;
    return {
      name,
      agenda,
      random,
      core,
      clockRate,
      tuning: world.tuning,
      dataless: this.dataless,
      diskFull: () => {
        if (this.fullUntil <= agenda.now) return false;
        this.killAgent(300); // It cannot keep what it promises: it ends, and is started again.
        return true;
      },
      verbs: {
        mysqld,
        random,
        around: world,
        bugs: world.bugs,
        now: () => agenda.now,
        kill: () => this.killMysqld("fence or clone"),
        instanceOf: (memberId) => memberId.slice(0, memberId.lastIndexOf(".")),
        onFollowed: (target) => judge.followed(name, target.name, target.term),
        onExcluded: (memberId, out) => judge.excluded(name, memberId, out),
        onOpened: (term) => judge.opened(name, term),
        fails: (verb) => this.verbFails(verb),
      },
      stalledUntil: () => this.stalledUntil,
      diskDelay: () => (agenda.now < this.slowDiskUntil ? random.between(50, 600) : random.between(0.1, 3)),
      stored: (durable) => this.store(durable),
      send: (to, message) => world.send(name, to, message),
      beat: (until) => this.beat(until),
      watchdog: (armed) => this.watchdog(armed),
      publish: (term) => world.publish(name, term),
      gate: (open) => (this.gateOpen = open),
      tell: (event) => world.told.push({ member: name, at: agenda.now, event }),
      exit: (clean) => this.onExit(clean),
      stepped: (_agent, event, before, step) => {
        world.traceStep(this, event, before, step);
        judge.stepped(name, before, step[0]);
      },
    };
  }

  private verbFails(verb: VerbName): number | undefined {
    this.world.began?.(this, verb);
    if (this.failing.has(verb)) return 0;
    if (verb === "fence" || this.world.agenda.now >= this.failingUntil) return undefined;
    return this.world.random.odds(0.2) ? this.world.random.between(1, 50) : undefined;
  }

  private store(durable: Durable): void {
    const { bugs, judge } = this.world;
    const kept = this.spoil(durable, bugs.has("votesNotPersisted"), bugs.has("termsNotPersisted"));
    judge.stored(this.durable, kept);
    this.durable = kept;
  }

  /** Mutants: a store that forgets. The promise is still noted as kept, as a broken disk would. */
  private spoil(durable: Durable, vote: boolean, term: boolean): Durable {
    if (vote) this.onRestart = () => (this.durable = { ...this.durable, vote: undefined });
    if (term)
      this.onRestart = () =>
        (this.durable = { ...this.durable, term: Math.max(0, this.durable.term - 1), vote: undefined });
    return durable;
  }

  onRestart: () => void = () => undefined;
}
