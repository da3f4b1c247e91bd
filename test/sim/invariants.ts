/**
 * I1-I12 (agent.md) as a judge that stands apart from the judged: it knows the truth of every disk and every
 * acknowledged commit, trusts no word of the core, and is asked at every step of the world.
 */
import { electionQuorum } from "../../api/quorum";
import type { Configuration, Durable, Message, State } from "../../agent/raft";
import { TxSet, type Tx } from "./gtids";
import type { Mysqld } from "./mysqld";

export class Violation extends Error {}

interface Win {
  readonly clusterId: string;
  readonly term: number;
  readonly member: string;
  readonly memberId: string;
  readonly received: TxSet;
}
interface Promise_ {
  readonly clusterId: string;
  readonly tx: Tx;
  readonly member: string;
}
interface Grant {
  readonly candidate: string;
  readonly abstain: boolean;
  readonly lastTerm: number;
  readonly received: readonly Tx[];
}

export interface Truth {
  now(): number;
  mysqld(member: string): Mysqld;
  durable(member: string): Durable;
  /** True time until which the member's lease holds, as it told its supervisor. */
  leaseUntil(member: string): number;
  /** The cluster as the controller knows it. */
  clusterId(): string;
  fenceMs: number;
  /** Who has these member ids now. */
  inConfiguration(ids: readonly string[]): readonly { readonly name: string; readonly durable: Durable }[];
  clocksJumped(): boolean;
  /** No data was lost, by wiping, power or recovery. */
  intact(): boolean;
}

interface Opened {
  readonly term: number;
  readonly member: string;
  readonly at: number;
}
const NONE: Opened = { term: 0, member: "", at: 0 };
/** All that is said of terms is said within one cluster. */
const of = (clusterId: string, term: number): string => `${clusterId}/${term}`;

export class Judge {
  readonly acknowledged: Promise_[] = [];
  readonly wins: Win[] = [];
  readonly openTerms = new Map<string, string>();
  /** Configurations that leaders made, by their changes. */
  changes = 0;
  /** Members that went on alone. */
  recoveries = 0;
  private readonly newestOf = new Map<string, Opened>();
  /** The cluster and term in which a member's mysqld was last opened. */
  private readonly openedAs = new Map<string, { readonly clusterId: string; readonly term: number }>();
  private readonly votes = new Map<string, string>();
  private readonly grants = new Map<string, Grant>();
  /** The highest term a member showed its set for: by a granted vote, or by asking for votes. */
  private readonly shown = new Map<string, number>();
  /** Source and member: how long the source's binary log was when the member was seen to be silent. */
  private readonly configOf = new Map<string, Configuration>();
  private readonly shut = new Set<string>();
  private readonly silencedAt = new Map<string, number>();
  checks = 0;

  constructor(private readonly truth: Truth) {}

  /** The newest term anyone opened in the controller's cluster, and when. */
  get newest(): Opened {
    return this.newestOf.get(this.truth.clusterId()) ?? NONE;
  }

  private fail(invariant: string, what: string): never {
    throw new Violation(`${invariant}: ${what}`);
  }

  /** I3, I4: what is about to be the content of `state.json`. */
  stored(before: Durable, after: Durable): void {
    if (before.memberId !== after.memberId) return;
    this.promised(before, after);
    for (const { member } of before.left)
      if (!after.left.some((one) => one.member === member)) this.silenced(before, member);
    this.configured(before, after);
  }

  private promised(before: Durable, after: Durable): void {
    this.checks++;
    if (after.term < before.term)
      this.fail("I3", `${after.memberId}: term ${before.term} -> ${after.term} on disk`);
    const changed = after.term === before.term && before.vote !== undefined && before.vote !== after.vote;
    if (changed)
      this.fail("I4", `${after.memberId}: vote of term ${after.term} ${before.vote} -> ${after.vote}`);
    if (after.openedTerm < before.openedTerm || after.relinquished < before.relinquished)
      this.fail("I3", `${after.memberId}: openedTerm or relinquished went back`);
  }

  private configured(before: Durable, after: Durable): void {
    if (after.former.length > before.former.length) {
      if (after.config !== undefined) this.recovered(before.clusterId, after);
      return; // Another cluster: its configurations are others.
    }
    const [old, config] = [before.config, after.config];
    if (config !== undefined) this.configOf.set(after.memberId, config);
    if (old !== undefined && (config === undefined || isOlder(config, old)))
      this.fail("I12", `${after.memberId}: the configuration went back`);
  }

  private silenced({ memberId }: Durable, left: string): void {
    const [name = ""] = this.truth.inConfiguration([memberId]).map((one) => one.name);
    if (name !== "") this.silencedAt.set(`${name}/${left}`, this.truth.mysqld(name).volume.binlog.length);
  }

  /** What the one that goes on alone holds is promised by the new cluster; the rest was given up by a person. */
  private recovered(old: string, { clusterId, memberId }: Durable): void {
    this.recoveries++;
    const [name = ""] = this.truth.inConfiguration([memberId]).map((one) => one.name);
    const { received } = this.truth.mysqld(name);
    for (const promise of [...this.acknowledged])
      if (promise.clusterId === old && received.holds(promise.tx))
        this.acknowledged.push({ ...promise, clusterId });
  }

  /** I3, I4: an answer leaves. `to` is the candidate. */
  sent(member: string, message: Message, to: string | undefined): void {
    const disk = this.truth.durable(member);
    if ("term" in message && message.type !== "preVote" && message.term > disk.term)
      this.fail("I3", `${member} sends ${message.type} of term ${message.term}, its disk has ${disk.term}`);
    if (message.type === "vote") this.shown.set(disk.memberId, message.term);
    if (message.type !== "voteReply" || !message.granted || to === undefined) return;
    this.shown.set(disk.memberId, message.term);
    if (disk.vote !== to)
      this.fail("I4", `${member} grants ${to} term ${message.term}, its disk has vote ${disk.vote}`);
    this.countVote(disk, message.term, to);
    this.noteGrant(member, message.term, to);
  }

  private countVote({ memberId: voter, clusterId }: Durable, term: number, candidate: string): void {
    this.checks++;
    const key = `${voter}/${of(clusterId, term)}`;
    const before = this.votes.get(key);
    if (before !== undefined && before !== candidate)
      this.fail("I4", `${voter} voted for ${before} and ${candidate} in term ${term}`);
    this.votes.set(key, candidate);
  }

  private noteGrant(member: string, term: number, candidate: string): void {
    const { received } = this.truth.mysqld(member);
    const { abstain, clusterId } = this.truth.durable(member);
    const key = `${member}/${of(clusterId, term)}`;
    if (!this.grants.has(key))
      this.grants.set(key, {
        candidate,
        abstain,
        lastTerm: received.last(clusterId),
        received: [...received.byGtid.values()],
      });
  }

  /** A step of the core: who has won what. */
  stepped(member: string, before: State, after: State): void {
    if (after.durable.term < before.durable.term) this.fail("I3", `${member}: term went back in memory`);
    if (after.role.role === "leader" && before.role.role !== "leader") this.won(member, after, before);
    const [old, config] = [before.durable.config, after.durable.config];
    if (after.role.role === "leader" && before.role.role === "leader" && old !== config)
      this.changed(member, before, after);
  }

  /** I12: a leader made a configuration. */
  private changed(member: string, { durable: before }: State, { durable: after }: State): void {
    const [old, config] = [before.config, after.config];
    if (old === undefined || config === undefined)
      return this.fail("I12", `${member} leads without a configuration`);
    this.checks++;
    this.changes++;
    const added = config.voters.filter((id) => !old.voters.includes(id));
    const gone = old.voters.filter((id) => !config.voters.includes(id));
    if (added.length + gone.length > 1)
      this.fail("I12", `${member} changes more than one voter: ${old.voters} -> ${config.voters}`);
    const has = old.voters.filter((id) => this.hasStored(id, old));
    if (old.term !== after.term || has.length < electionQuorum(old.voters.length))
      this.fail(
        "I12",
        `${member} changes ${old.term}.${old.version}, which ${has.length} of ${old.voters.length} have`,
      );
    for (const promise of this.acknowledged)
      if (promise.clusterId === after.clusterId)
        this.overlaps(promise.tx, config, `${member} makes ${config.voters}`);
  }

  /** Whether it has it, or had it when its volume was lost: then it never votes again. */
  private hasStored(id: string, { term, version }: Configuration): boolean {
    const stored = this.configOf.get(id);
    return stored !== undefined && stored.term === term && stored.version >= version;
  }

  /** I12: whoever the configuration may elect meets a holder. `(holders) + (votes that need data) > data voters`. */
  private overlaps(tx: Tx, { voters, witnesses }: Configuration, what: string): void {
    if (!this.truth.intact()) return; // The abstainers' rule stands in for what was lost.
    const data = this.truth.inConfiguration(voters.filter((id) => !witnesses.includes(id)));
    const holders = data.filter(({ name }) => this.truth.mysqld(name).received.holds(tx)).length;
    if (holders + electionQuorum(voters.length) - witnesses.length <= voters.length - witnesses.length)
      this.fail(
        "I12",
        `${what}: ${tx.gtid} is held by ${holders} of ${voters.length - witnesses.length} data voters`,
      );
  }

  private won(member: string, state: State, before: State): void {
    this.checks++;
    const { term, memberId, clusterId } = state.durable;
    const other = this.wins.find(
      (win) => win.clusterId === clusterId && win.term === term && win.member !== member,
    );
    if (other !== undefined) this.fail("I4", `${other.member} and ${member} both won term ${term}`);
    this.countVote(state.durable, term, memberId);
    const { received } = this.truth.mysqld(member);
    const own = { lastTerm: received.last(clusterId), received };
    if (before.role.role === "candidate") {
      const voters = [...this.grants].filter(
        ([key, grant]) => key.endsWith(`/${of(clusterId, term)}`) && grant.candidate === memberId,
      );
      for (const [key, grant] of voters)
        this.dominates(own, grant, `${member} won term ${term} by the vote ${key}`);
    }
    this.wins.push({ clusterId, term, member, memberId, received: TxSet.of(received.byGtid.values()) });
  }

  private dominates(winner: { lastTerm: number; received: TxSet }, grant: Grant, who: string): void {
    if (grant.abstain || winner.lastTerm > grant.lastTerm) return;
    if (winner.lastTerm < grant.lastTerm)
      this.fail("I11", `${who}, which has a later barrier (${grant.lastTerm} > ${winner.lastTerm})`);
    const missing = grant.received.find((tx) => !winner.received.holds(tx));
    if (missing !== undefined) this.fail("I11", `${who}, which holds ${missing.gtid} that the winner lacks`);
  }

  /** I1, I5: offline_mode is about to go off on a primary of `term`. */
  opened(member: string, term: number): void {
    this.checks++;
    const mysqld = this.truth.mysqld(member);
    const { config, clusterId } = this.truth.durable(member);
    const other = this.openTerms.get(of(clusterId, term));
    if (other !== undefined && other !== member)
      this.fail("I4", `${other} and ${member} both opened term ${term}`);
    this.openTerms.set(of(clusterId, term), member);
    this.openedAs.set(member, { clusterId, term });
    const executed = TxSet.of(mysqld.volume.binlog.slice(0, mysqld.volume.committed));
    const lost = this.acknowledged.find((one) => one.clusterId === clusterId && !executed.holds(one.tx));
    if (lost !== undefined)
      this.fail("I1", `${member} opens term ${term} without ${lost.tx.gtid}, acknowledged on ${lost.member}`);
    const { k } = config ?? { k: 0 };
    if (!executed.has(`${clusterId}:${term}`))
      this.fail("I5", `${member} opens term ${term} without its barrier`);
    if (mysqld.semisync !== k > 0 || mysqld.k !== k)
      this.fail("I5", `${member} opens with k=${mysqld.k}, semi-sync ${mysqld.semisync}`);
    if (mysqld.volume.relaxed) this.fail("I5", `${member} opens with relaxed flushes`);
    if (term > (this.newestOf.get(clusterId) ?? NONE).term)
      this.newestOf.set(clusterId, { term, member, at: this.truth.now() });
  }

  /** An OK leaves for a client. */
  acknowledge(member: string, tx: Tx, ackers: readonly string[]): void {
    this.checks++;
    const { config, clusterId } = this.truth.durable(member);
    this.acknowledged.push({ clusterId, tx, member });
    const { term } = this.openedAs.get(member) ?? NONE;
    const k = config?.k ?? 0;
    if (ackers.length < k)
      this.fail("I5", `${member} says OK for ${tx.gtid} with ${ackers.length} of ${k} acknowledgements`);
    if (config !== undefined) this.overlaps(tx, config, `${member} says OK`);
    for (const win of this.wins)
      if (win.clusterId === clusterId && win.term > term && !win.received.holds(tx))
        this.fail(
          "I2",
          `${member} says OK for ${tx.gtid} in term ${term}; ${win.member} won term ${win.term} without it`,
        );
  }

  /** A source says that nothing of the member is read any more, or again. */
  excluded(source: string, member: string, out: boolean): void {
    const key = `${source}/${instanceOf(member)}`;
    if (out) this.shut.add(key);
    else this.shut.delete(key);
  }

  /** I6: the source is about to count an acknowledgement: of a voter, or of one that has left and is being silenced. */
  counted(source: string, voter: string, upTo: number): void {
    this.checks++;
    if (!this.truth.mysqld(source).semisync) return;
    const { config, left } = this.truth.durable(source);
    if (this.shut.has(`${source}/${instanceOf(voter)}`))
      this.fail("I6", `${source} counts an acknowledgement of ${voter}, which it shut out`);
    if (left.some(({ member }) => member === voter)) return;
    // Sent before it fell silent: the next marker comes after all that this names.
    if (upTo <= (this.silencedAt.get(`${source}/${voter}`) ?? -1)) return;
    if (config !== undefined && (!config.voters.includes(voter) || config.witnesses.includes(voter)))
      this.fail("I6", `${source} counts an acknowledgement of ${voter}, who is no data voter`);
  }

  /** I8: a replica writes to its relay log what came from the leader of `term`. */
  receives(member: string, term: number): void {
    const shown = this.shown.get(this.truth.durable(member).memberId) ?? 0;
    if (term < shown)
      this.fail("I8", `${member} receives from term ${term} after it showed its set for term ${shown}`);
  }

  /** I8, I9: a receiver was started towards `leader`, elected in `term`. */
  followed(member: string, leader: string, term: number): void {
    this.checks++;
    if (term < this.truth.durable(member).term)
      this.fail("I8", `${member} resumes receiving from term ${term}`);
    const [mysqld, source] = [this.truth.mysqld(member), this.truth.mysqld(leader)];
    if (mysqld.semisync || !mysqld.superReadOnly) this.fail("I7", `${member} follows while it is not fenced`);
    const { clusterId } = this.truth.durable(member);
    const win = this.wins.find((one) => one.clusterId === clusterId && one.term === term);
    if (win?.member !== leader)
      this.fail("I8", `${member} follows ${leader} in term ${term}, won by ${win?.member}`);
    if (this.truth.durable(leader).memberId !== win.memberId) return; // Its volume is gone since.
    const theirs = new Set(source.volume.binlog);
    for (const tx of mysqld.received.byGtid.values())
      if (!win.received.holds(tx) && !theirs.has(tx))
        this.fail("I9", `${member} follows ${leader} though it holds ${tx.gtid} that ${leader} lacks`);
  }

  /** I7: a client is served as by the primary. */
  served(member: string): void {
    this.checks++;
    const { term, clusterId } = this.openedAs.get(member) ?? { ...NONE, clusterId: "" };
    if (this.truth.clocksJumped()) return;
    const late = this.truth.now() - this.truth.leaseUntil(member);
    if (late > this.truth.fenceMs)
      this.fail("I7", `${member} serves ${late.toFixed(0)} ms after its lease (term ${term})`);
    const newest = this.newestOf.get(clusterId) ?? NONE;
    if (term < newest.term)
      this.fail("I7", `${member} serves in term ${term} though ${newest.member} opened ${newest.term}`);
  }

  /** I10: at rest all are equal, and hold every promise. */
  atRest(members: readonly string[], leader: string): void {
    const reference = this.truth.mysqld(leader).received;
    for (const { tx, member, clusterId } of this.acknowledged)
      if (clusterId === this.truth.clusterId() && !reference.holds(tx))
        this.fail("I1", `at rest ${tx.gtid}, acknowledged on ${member}, is gone`);
    for (const member of members) {
      const { received } = this.truth.mysqld(member);
      const extra = [...received.byGtid.values()].find((tx) => !reference.holds(tx));
      if (extra !== undefined)
        this.fail("I10", `at rest ${member} holds ${extra.gtid} that ${leader} lacks or knows otherwise`);
      if (received.size !== reference.size)
        this.fail("I10", `at rest ${member} lacks ${reference.size - received.size} transactions`);
    }
  }
}

const isOlder = (a: Configuration, b: Configuration): boolean =>
  a.term < b.term || (a.term === b.term && a.version < b.version);

const instanceOf = (member: string): string => member.split(".", 1)[0] ?? member;

export const phaseOf = (state: State): string =>
  state.role.role === "leader" ? state.role.phase : state.role.role;
