/**
 * A model of mysqld at the level of transactions, as measured in mysql-facts.md: AFTER_SYNC (B), commits in the order
 * of the binary log, a replica's set = retrieved ∪ executed, recovery that commits whatever the binary log holds (A),
 * dump threads that skip what the replica has, and therefore acknowledgements that never come again (D).
 */
import { newTx, TxSet, type Tx } from "./gtids";
import type { Wire, Receiver } from "./replication";

/** What lies on the volume. */
export class Volume {
  /** In the order of the binary log; replicas write what they apply (log_replica_updates). */
  binlog: Tx[] = [];
  /** How many of them the engine has committed: a prefix. */
  committed = 0;
  /** Received and not applied. */
  relay: Tx[] = [];
  /** A CLONE was begun and did not end: the old data is gone, the new not there. */
  broken = false;
  /** Since the last arming the flushes are relaxed: a power cut may take the end away (C). */
  relaxed = false;
  /** Power was cut while it was, and no mysqld has been started since: until then each start of the agent sees it. */
  unsafe = false;

  constructor(public uuid: string) {}
}

export type Outcome = "ok" | "unknown";
export interface Session {
  readonly tx: Tx;
  readonly done: (outcome: Outcome) => void;
}

/** What the world wants to know of a mysqld. */
export interface Watcher {
  /** Nothing can be written to the volume. */
  full(): boolean;
  /** The engine has committed a client's transaction and its OK leaves. */
  acknowledged(tx: Tx, ackers: readonly string[]): void;
  /** Something was appended to the binary log. */
  appended(): void;
}

export class Mysqld {
  up = false;
  /** Which process: a verb that meets another one than it began with has failed. */
  incarnation = 0;
  superReadOnly = true;
  readOnly = true;
  offline = true;
  semisync = false;
  k = 0;
  applier = false;
  receiver: Receiver | undefined;
  /** SIGSTOPped until then (true time). */
  stoppedUntil = 0;
  /** retrieved ∪ executed; what waits for an acknowledgement is in neither. */
  received = new TxSet();
  readonly wires = new Set<Wire>();
  /** Closed by the replica, which the dump thread has not noticed: it still reads acknowledgements. */
  readonly lingering = new Set<Wire>();
  /** Instances whose replication account is locked here. On the volume: a restart does not lift it. */
  readonly locked = new Set<string>();
  private sessions = new Map<Tx, Session>();
  /** How far each semi-sync replica has acknowledged: an index into the binary log. */
  private readonly acked = new Map<string, number>();
  private next = 1;

  constructor(
    readonly name: string,
    public volume: Volume,
    private readonly watcher: Watcher,
  ) {}

  get waiting(): number {
    return this.volume.binlog.length - this.volume.committed;
  }

  get full(): boolean {
    return this.watcher.full();
  }

  /** Clients are let in to write. */
  get openForWrites(): boolean {
    return this.up && !this.offline && !this.readOnly && !this.superReadOnly;
  }

  /** Start after any end: recovery commits the binary log to its last whole transaction. */
  boot(): void {
    const { volume } = this;
    if (volume.broken) this.volume = new Volume(volume.uuid);
    this.volume.committed = this.volume.binlog.length;
    this.volume.unsafe = false;
    this.rebuild();
    this.incarnation++;
    this.up = true;
    this.superReadOnly = this.readOnly = this.offline = true;
    this.semisync = this.applier = false;
    this.k = 0;
    this.stoppedUntil = 0;
    this.receiver = undefined;
    this.acked.clear();
  }

  /** Reads the set and the next number from the volume. */
  rebuild(): void {
    const { binlog, committed, relay, uuid } = this.volume;
    this.received = TxSet.of(binlog.slice(0, committed));
    this.next = Math.max(0, ...binlog.filter(({ source }) => source === uuid).map(({ n }) => n)) + 1;
    for (const tx of relay) this.received.add(tx);
  }

  /** SIGKILL or crash. Clients of waiting commits learn nothing. */
  kill(): void {
    if (!this.up) return;
    this.up = false;
    this.cutClients();
    this.semisync = this.applier = false;
    this.receiver?.stop();
    this.receiver = undefined;
    for (const wire of this.wires) wire.sourceGone();
    this.wires.clear();
  }

  /** SIGTERM: gives OK to every waiting client (mysql-facts 2). Only mutants and stories do that to a source. */
  terminate(): void {
    this.semisync = false;
    this.tryCommit();
    this.kill();
  }

  /** offline_mode=ON and KILL of the rest: the commits go on waiting, the clients are gone. */
  cutClients(): void {
    for (const { done } of this.sessions.values()) done("unknown");
    this.sessions.clear();
  }

  write(kind: Tx["kind"], done?: Session["done"]): Tx {
    const tx = newTx(this.volume.uuid, this.next++, kind);
    this.append(tx, done);
    return tx;
  }

  /** Appends to the binary log; the commit waits for acknowledgements if semi-sync is on. */
  append(tx: Tx, done?: Session["done"]): void {
    this.volume.binlog.push(tx);
    if (done !== undefined) this.sessions.set(tx, { tx, done });
    this.watcher.appended();
    for (const wire of this.wires) wire.pump();
    this.tryCommit();
  }

  onAck(from: string, index: number): void {
    if (!this.semisync) return;
    this.acked.set(from, Math.max(index, this.acked.get(from) ?? 0));
    this.tryCommit();
  }

  arm(k: number): void {
    this.acked.clear();
    this.semisync = k > 0;
    this.k = k;
    this.volume.relaxed = false;
  }

  /** Changes k while commits may wait. What was acknowledged counts on, whoever did it. */
  setAcks(k: number): void {
    if (!this.semisync) this.acked.clear();
    this.semisync = k > 0;
    this.k = k;
    this.tryCommit();
  }

  /** Locks the account of an instance and kills its dump threads: nothing of it is read any more. */
  exclude(instance: string): void {
    this.locked.add(instance);
    for (const wire of [...this.wires, ...this.lingering]) if (wire.replicaName === instance) wire.breakOff();
  }

  disarm(): void {
    this.semisync = false;
    this.tryCommit();
  }

  private tryCommit(): void {
    const { volume } = this;
    const until = this.semisync ? this.acknowledgedUpTo() : volume.binlog.length;
    while (volume.committed < until) {
      const tx = volume.binlog[volume.committed++] as Tx;
      this.received.add(tx);
      const session = this.sessions.get(tx);
      if (session === undefined) continue;
      this.sessions.delete(tx);
      this.watcher.acknowledged(tx, this.ackersOf(volume.committed));
      session.done("ok");
    }
  }

  /** The k-th furthest acknowledgement. */
  private acknowledgedUpTo(): number {
    return [...this.acked.values()].sort((a, b) => b - a)[this.k - 1] ?? 0;
  }

  private ackersOf(index: number): string[] {
    return [...this.acked].filter(([, upTo]) => upTo >= index).map(([name]) => name);
  }

  /** A transaction comes from the source. The relay log has it from now on, whatever happens to the process. */
  receive(tx: Tx): void {
    if (this.received.has(tx.gtid)) return; // MySQL goes by the GTID alone.
    this.received.add(tx);
    this.volume.relay.push(tx);
  }

  /** The applier's next transactions, `most` at a time. */
  apply(most: number): void {
    for (const tx of this.volume.relay.splice(0, most)) this.append(tx);
  }

  /** Someone with SUPER writes where nobody should. */
  foreignWrite(): Tx {
    return this.write("foreign");
  }

  /** A power cut under relaxed flushes takes some of the end away. */
  losePower(lost: number): void {
    const { volume } = this;
    if (!volume.relaxed) return;
    volume.unsafe = true;
    const rest = lost - volume.relay.length;
    volume.relay.splice(Math.max(0, volume.relay.length - lost));
    if (rest > 0) volume.binlog.splice(Math.max(0, volume.binlog.length - rest));
    volume.committed = Math.min(volume.committed, volume.binlog.length);
  }

  /** The donor's engine-committed data; a new server. */
  cloneFrom(donor: Mysqld, uuid: string): void {
    const copy = new Volume(uuid);
    copy.binlog = donor.volume.binlog.slice(0, donor.volume.committed);
    copy.committed = copy.binlog.length;
    for (const instance of donor.locked) this.locked.add(instance); // Accounts are data, too.
    this.volume = copy;
  }
}
