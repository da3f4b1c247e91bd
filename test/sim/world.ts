/**
 * N pods, a network, an API server with one slice, and clients, in true time from one seed. Everything that happens
 * is an entry of the agenda; the judge looks on.
 */
import * as raft from "../../agent/raft";
import type { Action, Event, Message, State, Step, Tuning } from "../../agent/raft";
import type { Core } from "./agent";
import { Clients } from "./clients";
import { Agenda } from "./clock";
import { Judge, phaseOf } from "./invariants";
import { Member } from "./member";
import type { Mysqld } from "./mysqld";
import { Network } from "./network";
import { Random } from "./random";
import type { Surroundings } from "./replication";
import type { Bug } from "./verbs";

export interface WorldOptions {
  readonly seed: number;
  readonly members?: number;
  readonly core?: Core;
  readonly bugs?: ReadonlySet<Bug>;
  /** Changes what the agents believe about time (a mutant does). */
  readonly retune?: (tuning: Tuning) => Tuning;
  /** Receives a line per event; undefined = quick. */
  readonly log?: (line: string) => void;
  /** ms between a writer's attempts. */
  readonly writeEveryMs?: number;
}

/** The world may take this many entries; more is a loop. */
const TICKS_MAX = 600_000;

export class World implements Surroundings {
  readonly agenda = new Agenda();
  readonly random: Random;
  readonly network: Network;
  readonly core: Core;
  readonly bugs: ReadonlySet<Bug>;
  readonly tuning: Tuning;
  readonly clusterId: string;
  readonly names: readonly string[];
  readonly members: readonly Member[];
  readonly judge: Judge;
  readonly clients: Clients;
  readonly trace: ((line: string) => void) | undefined;
  /** The primary's EndpointSlice: who, in which term, and the resourceVersion. */
  slice = { member: "", term: 0, version: 0 };
  apiDownUntil = 0;
  /** What people were told. */
  readonly told: { readonly member: string; readonly at: number; readonly event: raft.Told }[] = [];
  ticks = 0;
  /** Volumes wiped or cut by power so far. */
  losses = 0;
  /** A story's hand on the messages: ms until this one arrives, Infinity = lost, undefined = as the network likes. */
  carry: ((message: Message, from: Member, to: Member) => number | undefined) | undefined;
  /** Told to a story when a verb begins. */
  began: ((member: Member, verb: raft.VerbName) => void) | undefined;

  constructor(options: WorldOptions) {
    const { seed, members = 3, log } = options;
    this.random = new Random(seed);
    this.network = new Network(this.random);
    this.core = options.core ?? raft;
    this.bugs = options.bugs ?? new Set();
    const heartbeatMs = Math.round(this.random.between(100, 150));
    const tuning = raft.tuningOf(
      { heartbeatMs, electionTimeoutMs: Math.round(this.random.between(800, 1200)) },
      true,
    );
    this.tuning = (options.retune ?? ((same: Tuning) => same))(tuning);
    this.clusterId = this.random.uuid();
    this.names = Array.from({ length: members }, (_, i) => `m-${i}`);
    this.trace =
      log === undefined ? undefined : (line) => log(`${this.agenda.now.toFixed(1).padStart(9)} ${line}`);
    this.judge = new Judge({
      now: () => this.agenda.now,
      mysqld: (name) => this.member(name).mysqld,
      durable: (name) => this.member(name).durable,
      leaseUntil: (name) => this.member(name).leaseUntil,
      clusterId: this.clusterId,
      fenceMs: 100,
    });
    this.members = this.names.map((name) => new Member(name, this));
    this.clients = new Clients(this, options.writeEveryMs ?? 45);
    for (const member of this.members) {
      this.agenda.after(this.random.between(0, 200), () => member.startPod());
      this.every(400, () => member.observe());
      this.every(1_000, () => member.postIntent());
    }
  }

  member(name: string): Member {
    const found = this.members.find((one) => one.name === name);
    if (found === undefined) throw new Error(`no member ${name}`);
    return found;
  }

  /** The controller notes that the cluster was born. */
  get initialised(): boolean {
    return this.judge.openTerms.size > 0;
  }

  private every(ms: number, run: () => void): void {
    const again = (): void => {
      run();
      this.agenda.after(ms, again);
    };
    this.agenda.after(this.random.between(0, ms), again);
  }

  // ------------------------------------------------------------ running

  run(ms: number): void {
    this.runTo(this.agenda.now + ms);
  }

  runTo(limit: number): void {
    while (this.agenda.tick(limit)) this.count();
  }

  /** @throws Error when it has not come true within `limitMs` of simulated time. */
  runUntil(what: string, limitMs: number, holds: () => boolean): void {
    if (!this.reaches(limitMs, holds)) throw new Error(`not within ${limitMs} simulated ms: ${what}`);
  }

  reaches(limitMs: number, holds: () => boolean): boolean {
    const limit = this.agenda.now + limitMs;
    while (this.agenda.now < limit) {
      if (holds()) return true;
      this.runTo(Math.min(limit, this.agenda.now + 25));
    }
    return holds();
  }

  private count(): void {
    if (++this.ticks > TICKS_MAX) throw new Error("the world does not come to rest: a loop without time");
  }

  // ------------------------------------------------------------ surroundings of mysqld

  mysqldOf(name: string): Mysqld | undefined {
    return this.members.find((one) => one.name === name)?.mysqld;
  }

  identityOf(instance: string): string {
    return this.member(instance).durable.memberId;
  }

  beforeAck(source: string, memberId: string): void {
    this.judge.counted(source, memberId);
  }

  beforeReceive(replica: string, term: number): void {
    this.judge.receives(replica, term);
  }

  wake(replica: string): void {
    this.member(replica).wake();
  }

  // ------------------------------------------------------------ messages and the API

  send(from: string, to: string, message: Message): void {
    const name = to.replace(/\..*$/, "");
    const target = this.members.find((member) => member.name === name);
    this.judge.sent(from, message, to);
    if (target === undefined) return;
    const told = this.carry?.(message, this.member(from), target);
    const delays = told === undefined ? this.network.copies(from, name) : told < Infinity ? [told] : [];
    for (const delay of delays)
      this.agenda.after(delay, () => this.network.up(from, name) && target.receive(message));
  }

  /** Reads the term, gives up if it is higher, writes with the version it read. */
  publish(member: string, term: number): void {
    const { random, agenda } = this;
    agenda.after(random.between(1, 40), () => {
      if (agenda.now < this.apiDownUntil) return this.publish(member, term);
      const { version, term: known } = this.slice;
      if (known > term) return;
      agenda.after(random.between(1, 60), () => {
        if (agenda.now < this.apiDownUntil || this.slice.version !== version)
          return this.publish(member, term);
        this.slice = { member, term, version: version + 1 };
        this.trace?.(`api: the primary is ${member}, term ${term}`);
      });
    });
  }

  // ------------------------------------------------------------ looking

  /** The member that leads and is open, if there is exactly one in the newest term. */
  openLeader(): Member | undefined {
    const open = this.members.filter(({ agent, mysqld }) => {
      const role = agent?.state.role;
      return role?.role === "leader" && role.phase === "open" && mysqld.openForWrites;
    });
    return open.length === 1 ? open[0] : undefined;
  }

  /** Everyone follows the open leader, and nothing waits anywhere. Says what is missing. */
  unrest(): string | undefined {
    const leader = this.openLeader();
    if (leader === undefined) return `no open primary (${this.describe()})`;
    const term = leader.durable.term;
    for (const member of this.members) {
      if (member === leader) continue;
      const { mysqld, durable } = member;
      if (durable.quarantined !== "") return `${member.name} is quarantined: ${durable.quarantined}`;
      if (durable.term !== term)
        return `${member.name} is in term ${durable.term}, not ${term} (${this.describe()})`;
      if (mysqld.receiver?.target.name !== leader.name || !mysqld.receiver.connected)
        return `${member.name} does not receive from ${leader.name} (${this.describe()})`;
      if (durable.abstain && durable.config?.voters.includes(durable.memberId))
        return `${member.name} abstains`;
      if (mysqld.offline) return `${member.name} serves no reads`;
    }
    return this.slice.member === leader.name ? undefined : `the slice says ${this.slice.member}`;
  }

  describe(): string {
    const one = ({ name, agent, mysqld, durable }: Member): string => {
      const role = agent === undefined ? "dead" : `${phaseOf(agent.state)}/${agent.state.mysqld}`;
      return `${name} ${role} t${durable.term} mysqld ${mysqld.up ? "up" : "down"} ${mysqld.waiting}w${mysqld.volume.relay.length}r`;
    };
    return this.members.map(one).join("; ");
  }

  // ------------------------------------------------------------ transcript

  traceStep(member: Member, event: Event, before: State, [after, actions]: Step): void {
    if (this.trace === undefined) return;
    const quiet =
      actions.every(({ do: what }) => what === "lease" || what === "send") &&
      before.role.role === after.role.role;
    const dull = ["timer", "observed", "intent"].includes(event.type) || isChatter(event);
    if (quiet && dull && phaseOf(before) === phaseOf(after)) return;
    const said = actions.filter(
      (action) => action.do !== "lease" && !(action.do === "send" && isHeartbeat(action.message)),
    );
    const state = `[${phaseOf(after)} t${after.durable.term}${after.durable.vote === undefined ? "" : ` vote ${after.durable.vote}`} ${after.mysqld}${after.writable ? " writable" : ""}]`;
    this.trace(`${member.name} ${sayEvent(event, this)} -> ${state} ${said.map(sayAction).join(", ")}`);
  }
}

const isHeartbeat = ({ type }: Message): boolean => type === "heartbeat" || type === "heartbeatReply";
const isChatter = (event: Event): boolean => event.type === "message" && isHeartbeat(event.message);

/** GTIDs with their source's first four digits: enough to tell them apart by eye. */
const brief = (_key: string, value: unknown): unknown => {
  if (
    _key === "knownUuids" ||
    _key === "serverUuids" ||
    _key === "config" ||
    _key === "clusterId" ||
    _key === "health"
  )
    return undefined;
  return typeof value === "string"
    ? value.replace(/([0-9a-f]{4})[0-9a-f]{4}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "$1")
    : value;
};

function sayEvent(event: Event, _world: World): string {
  return event.type === "message"
    ? `<${event.message.type} ${JSON.stringify(event.message, brief)}>`
    : JSON.stringify(event, brief);
}

function sayAction(action: Action): string {
  if (action.do === "persist") {
    const { term, vote, tail, uncut, abstain, cloning, openedTerm, quarantined } = action.durable;
    return `persist ${JSON.stringify({ term, vote, tail, uncut, abstain, cloning, openedTerm, quarantined }, brief)}`;
  }
  if (action.do === "verb") return `VERB ${JSON.stringify(action.verb, brief)}`;
  if (action.do === "send") return `send ${action.to} ${JSON.stringify(action.message, brief)}`;
  return JSON.stringify(action, brief);
}
