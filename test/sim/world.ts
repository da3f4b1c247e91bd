/**
 * N pods, a network, an API server with one slice, and clients, in true time from one seed. Everything that happens
 * is an entry of the agenda; the judge looks on.
 */
import * as raft from "../../agent/raft";
import type { Action, Event, Message, State, Step, Tuning } from "../../agent/raft";
import type { Core } from "./agent";
import { Clients } from "./clients";
import { Controller, dataNames, WITNESS, type Shape } from "./controller";
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
  /** Data voters at birth, where `shape` does not say more. */
  readonly members?: number;
  readonly shape?: Shape;
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
  readonly controller: Controller;
  readonly names: readonly string[];
  readonly members: readonly Member[];
  readonly judge: Judge;
  readonly clients: Clients;
  readonly trace: ((line: string) => void) | undefined;
  /** The primary's EndpointSlice: who, in which term, and the resourceVersion. */
  slice = { member: "", term: 0, version: 0, clusterId: "" };
  apiDownUntil = 0;
  /** What people were told. */
  readonly told: { readonly member: string; readonly at: number; readonly event: raft.Told }[] = [];
  ticks = 0;
  /** Volumes wiped or cut by power so far, and recoveries after the loss of a majority. */
  losses = 0;
  /** A clock has jumped: leases prove nothing from here on (I7); all else must hold. */
  clocksJumped = false;
  /** A story's hand on the messages: ms until this one arrives, Infinity = lost, undefined = as the network likes. */
  carry: ((message: Message, from: Member, to: Member) => number | undefined) | undefined;
  /** Told to a story when a verb begins. */
  began: ((member: Member, verb: raft.VerbName) => void) | undefined;

  constructor(options: WorldOptions) {
    const { seed, members = 3, log } = options;
    const shape: Shape = options.shape ?? { voters: members };
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
    this.controller = new Controller(this, shape, this.random.uuid());
    const witness = shape.witness === true || (shape.spares ?? 0) > 0;
    this.names = [...dataNames(shape), ...(witness ? [WITNESS] : [])];
    this.trace =
      log === undefined ? undefined : (line) => log(`${this.agenda.now.toFixed(1).padStart(9)} ${line}`);
    this.judge = new Judge({
      now: () => this.agenda.now,
      mysqld: (name) => this.member(name).mysqld,
      durable: (name) => this.member(name).durable,
      leaseUntil: (name) => this.member(name).leaseUntil,
      clusterId: () => this.controller.clusterId,
      inConfiguration: (ids) => this.members.filter(({ memberId }) => ids.includes(memberId)),
      clocksJumped: () => this.clocksJumped,
      intact: () => this.losses === 0,
      fenceMs: 100,
    });
    this.members = this.names.map((name) => new Member(name, this, name === WITNESS));
    for (const member of this.members) this.byName.set(member.name, member);
    this.clients = new Clients(this, options.writeEveryMs ?? 70);
    for (const member of this.members) {
      if (this.controller.wants(member.name) === undefined) member.parked = true;
      this.agenda.after(this.random.between(0, 200), () => member.startPod());
      this.every(400, () => member.observe());
      this.every(1_000, () => member.postIntent());
    }
    this.every(300, () => this.controller.look());
  }

  private readonly byName = new Map<string, Member>();

  member(name: string): Member {
    const found = this.byName.get(name);
    if (found === undefined) throw new Error(`no member ${name}`);
    return found;
  }

  /** Pods the intent wants. */
  get wanted(): Member[] {
    return this.members.filter(({ name }) => this.controller.wants(name) !== undefined);
  }

  /** The newest configuration on any disk. */
  newestConfig(): raft.Configuration | undefined {
    const ours = this.members.filter(({ durable }) => durable.clusterId === this.controller.clusterId);
    const configs = ours.flatMap(({ durable: { config } }) => config ?? []);
    return configs.sort((a, b) => b.term - a.term || b.version - a.version)[0];
  }

  /** A leader is at a change of the configuration. */
  isChanging(): boolean {
    return this.members.some(({ agent }) => {
      const role = agent?.state.role;
      return (
        role?.role === "leader" && (role.change !== undefined || role.acks !== agent?.state.durable.config?.k)
      );
    });
  }

  /** An open leader has heard every voter a moment ago. */
  hearsAll(): boolean {
    const leader = this.openLeader();
    const role = leader?.agent?.state.role;
    if (leader?.agent === undefined || role?.role !== "leader") return false;
    const { localNow } = leader.agent;
    const others = leader.durable.config?.voters.filter((id) => id !== leader.memberId) ?? [];
    return others.every(
      (id) => localNow - (role.peers[id]?.answeredAt ?? -Infinity) < 2 * this.tuning.heartbeatMs,
    );
  }

  inConfiguration({ durable }: Member, { memberId }: Member): boolean {
    return durable.config?.voters.includes(memberId) ?? false;
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
    return this.byName.get(name)?.mysqld;
  }

  identityOf(instance: string): string {
    return this.member(instance).durable.memberId;
  }

  beforeAck(source: string, memberId: string, upTo: number): void {
    this.judge.counted(source, memberId, upTo);
  }

  beforeReceive(replica: string, term: number): void {
    this.judge.receives(replica, term);
  }

  wake(replica: string): void {
    this.member(replica).wake();
  }

  // ------------------------------------------------------------ messages and the API

  send(from: string, to: string, message: Message): void {
    const dot = to.indexOf(".");
    const name = dot < 0 ? to : to.slice(0, dot);
    const target = this.byName.get(name);
    this.judge.sent(from, message, to);
    if (target === undefined) return;
    const told = this.carry?.(message, this.member(from), target);
    const delays = told === undefined ? this.network.copies(from, name) : told < Infinity ? [told] : [];
    for (const delay of delays)
      this.agenda.after(delay, () => this.network.up(from, name) && target.receive(message));
  }

  /** Reads the term, gives up if it is higher, writes with the version it read. */
  publish(member: string, term: number, as = this.member(member).durable): void {
    const { random, agenda } = this;
    agenda.after(random.between(1, 40), () => {
      if (agenda.now < this.apiDownUntil) return this.publish(member, term, as);
      const { version } = this.slice;
      const { clusterId, former } = as;
      // A slice of another cluster is only written over by the one that knows it as its past.
      const other = this.slice.clusterId !== "" && this.slice.clusterId !== clusterId;
      if (other ? !former.includes(this.slice.clusterId) : this.slice.term > term) return;
      agenda.after(random.between(1, 60), () => {
        if (agenda.now < this.apiDownUntil || this.slice.version !== version)
          return this.publish(member, term, as);
        this.slice = { member, term, version: version + 1, clusterId };
        this.trace?.(`api: the primary is ${member}, term ${term}`);
      });
    });
  }

  // ------------------------------------------------------------ looking

  /** The member that leads and is open, if there is exactly one in the newest term. */
  openLeader(): Member | undefined {
    const open = this.members.filter(({ agent, mysqld, durable }) => {
      const role = agent?.state.role;
      const ours = durable.clusterId === this.controller.clusterId;
      return ours && role?.role === "leader" && role.phase === "open" && mysqld.openForWrites;
    });
    return open.length === 1 ? open[0] : undefined;
  }

  /** Everyone follows the open leader, and nothing waits anywhere. Says what is missing. */
  unrest(): string | undefined {
    const leader = this.openLeader();
    if (leader === undefined) return `no open primary (${this.describe()})`;
    const term = leader.durable.term;
    const unlike = this.unlikeWanted(leader);
    if (unlike !== undefined) return `${unlike} (${this.describe()})`;
    for (const member of this.wanted) {
      const behind = this.lags(member, leader, term);
      if (behind !== undefined) return behind;
    }
    return this.slice.member === leader.name ? undefined : `the slice says ${this.slice.member}`;
  }

  /** Why the member does not follow the leader as it should. */
  private lags(member: Member, leader: Member, term: number): string | undefined {
    if (member === leader || member.dataless) return undefined;
    const { mysqld, durable } = member;
    if (durable.quarantined !== "") return `${member.name} is quarantined: ${durable.quarantined}`;
    if (durable.term !== term)
      return `${member.name} is in term ${durable.term}, not ${term} (${this.describe()})`;
    if (mysqld.receiver?.target.name !== leader.name || !mysqld.receiver.connected)
      return `${member.name} does not receive from ${leader.name} (${this.describe()})`;
    if (durable.abstain && durable.config?.voters.includes(durable.memberId))
      return `${member.name} abstains`;
    if (mysqld.offline) return `${member.name} serves no reads`;
    return mysqld.receiver.target.acknowledge === this.inConfiguration(leader, member)
      ? undefined
      : `${member.name} acknowledges as it should not, or not as it should`;
  }

  /** What the configuration lacks of what is wanted. */
  private unlikeWanted({ durable, mysqld, agent }: Member): string | undefined {
    const { config } = durable;
    const wanted = this.wanted.filter(({ name }) => this.controller.wants(name)?.role !== "learner");
    const absent = wanted.find(({ memberId }) => config?.voters.includes(memberId) !== true);
    if (absent !== undefined) return `${absent.name} is wanted and no voter`;
    if (config === undefined || config.voters.length !== wanted.length)
      return `${config?.voters.join(", ")} are more than wanted`;
    if (mysqld.k !== config.k || mysqld.semisync !== config.k > 0)
      return `k is ${mysqld.k}, the configuration says ${config.k}`;
    const role = agent?.state.role;
    return role?.role === "leader" && role.change !== undefined ? "a change is under way" : undefined;
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
