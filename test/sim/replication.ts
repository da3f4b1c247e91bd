/**
 * Receiver and dump thread: one TCP connection at a time, in order, both ways. A stopped receiver's acknowledgements
 * may still be on their way; a reconnect after receipt never brings the acknowledgement again (mysql-facts D).
 */
import type { Tx } from "./gtids";
import type { Mysqld } from "./mysqld";
import type { Agenda } from "./clock";
import type { Network } from "./network";
import type { Random } from "./random";

export interface Surroundings {
  readonly agenda: Agenda;
  readonly network: Network;
  readonly random: Random;
  mysqldOf(member: string): Mysqld | undefined;
  /** The member whose volume the instance has now. */
  identityOf(instance: string): string;
  /** Before a source counts an acknowledgement of the member. */
  beforeAck(source: string, memberId: string, upTo: number): void;
  /** Before a replica writes to its relay log what a leader of `term` sent. */
  beforeReceive(replica: string, term: number): void;
  wake(replica: string): void;
}

/** A wedged connection is given up after this long (replica_net_timeout, TCP). */
const STALL_LIMIT_MS = 1_500;
const RESEND_MS = 40;

/** The receiver thread: connects, reconnects, until stopped. */
export class Receiver {
  stopped = false;
  wire: Wire | undefined;
  readonly identity: string;
  private connecting = true;

  constructor(
    readonly replica: Mysqld,
    readonly target: { readonly name: string; readonly term: number; readonly acknowledge: boolean },
    readonly around: Surroundings,
  ) {
    this.identity = around.identityOf(replica.name);
    this.tryConnect();
  }

  get connected(): boolean {
    return this.wire?.closed === false;
  }

  stop(): void {
    this.stopped = true;
    this.wire?.close();
  }

  reconnect(): void {
    if (this.connecting) return;
    this.connecting = true;
    this.later();
  }

  private later(): void {
    if (!this.stopped) this.around.agenda.after(this.around.random.between(50, 300), () => this.tryConnect());
  }

  private tryConnect(): void {
    if (this.stopped) return;
    const { network, agenda } = this.around;
    const [here, there] = [this.replica.name, this.target.name];
    const source = this.around.mysqldOf(there);
    if (
      source === undefined ||
      !source.up ||
      source.locked.has(here) ||
      !network.up(here, there) ||
      !network.up(there, here)
    )
      return this.later();
    const { incarnation } = source;
    agenda.after(network.delay() * 2, () => {
      if (this.stopped) return;
      if (!source.up || source.incarnation !== incarnation || source.locked.has(here)) return this.later();
      this.connecting = false;
      this.wire = new Wire(this, source, this.around);
      source.wires.add(this.wire);
      this.wire.pump();
    });
  }
}

interface Parcel {
  readonly list: readonly Tx[];
  readonly upTo: number;
}

export class Wire {
  closed = false;
  private position = 0;
  private down: Parcel[] = [];
  private downBusy = false;
  private ackUpTo = 0;
  private ackBusy = false;
  private dropped = false;
  private readonly incarnation: number;
  private stalledSince: number | undefined;

  constructor(
    private readonly receiver: Receiver,
    private readonly source: Mysqld,
    private readonly around: Surroundings,
  ) {
    this.incarnation = source.incarnation;
  }

  get replicaName(): string {
    return this.receiver.replica.name;
  }

  /** The dump thread: what the replica lacks goes out in the order of the source's binary log. */
  pump(): void {
    const { binlog } = this.source.volume;
    if (this.closed || this.position === binlog.length) return;
    const held = this.receiver.replica.received;
    const list = binlog.slice(this.position).filter(({ gtid }) => !held.has(gtid));
    this.position = binlog.length;
    if (list.length === 0) return; // All skipped: nothing to acknowledge, now or ever.
    this.down.push({ list, upTo: this.position });
    if (!this.downBusy) this.deliverAfter(this.around.network.delay());
  }

  private deliverAfter(ms: number): void {
    this.downBusy = true;
    this.around.agenda.after(ms, () => this.deliver());
  }

  private deliver(): void {
    this.downBusy = false;
    const { replica } = this.receiver;
    if (this.receiver.stopped || this.receiver.wire !== this || !replica.up) return;
    if (!this.linkUp(this.source.name, replica.name))
      return this.closed ? this.receiver.reconnect() : this.stall();
    if (replica.stoppedUntil > this.around.agenda.now)
      return this.deliverAfter(replica.stoppedUntil - this.around.agenda.now);
    if (replica.full) return this.deliverAfter(100);
    this.stalledSince = undefined;
    const parcel = this.down.shift();
    if (parcel === undefined) return;
    this.around.beforeReceive(replica.name, this.receiver.target.term);
    for (const tx of parcel.list) replica.receive(tx);
    this.around.wake(replica.name);
    if (this.receiver.target.acknowledge) this.acknowledge(parcel.upTo);
    if (this.down.length > 0) this.deliverAfter(this.around.network.delay());
  }

  /** The direction is cut: TCP repeats itself for a while, then the connection is reset. */
  private stall(): void {
    const { now } = this.around.agenda;
    this.stalledSince ??= now;
    if (now - this.stalledSince < STALL_LIMIT_MS) return this.deliverAfter(RESEND_MS);
    this.reset();
  }

  private acknowledge(upTo: number): void {
    this.ackUpTo = upTo;
    if (!this.ackBusy) this.carryAck(this.around.network.delay(), this.around.agenda.now);
  }

  /** Goes on although the replica's side has closed: what was sent may still arrive. */
  private carryAck(ms: number, since: number): void {
    this.ackBusy = true;
    if (this.closed) this.source.lingering.add(this);
    this.around.agenda.after(ms, () => {
      this.ackBusy = false;
      this.source.lingering.delete(this);
      const { source, around } = this;
      const { replica } = this.receiver;
      if (this.dropped || !source.up || source.incarnation !== this.incarnation) return;
      const stopped = source.stoppedUntil > around.agenda.now;
      if (stopped || !this.linkUp(replica.name, source.name)) {
        if (around.agenda.now - since < STALL_LIMIT_MS) this.carryAck(RESEND_MS, since);
        else this.reset();
        return;
      }
      around.beforeAck(source.name, this.receiver.identity, this.ackUpTo);
      source.onAck(replica.name, this.ackUpTo);
    });
  }

  private linkUp(from: string, to: string): boolean {
    return this.around.network.up(from, to);
  }

  /** Both ends lose the connection and all that was on it. */
  breakOff(): void {
    this.dropped = true;
    this.down = [];
    this.reset();
  }

  private reset(): void {
    if (this.closed) return;
    this.close();
    if (this.receiver.wire === this) this.receiver.reconnect();
  }

  /** The source's process ended; what is on the wire still arrives. */
  sourceGone(): void {
    this.closed = true;
    if (this.down.length === 0) this.receiver.reconnect();
    else
      this.around.agenda.after(
        this.around.network.delay() * 20,
        () => this.receiver.wire === this && this.receiver.reconnect(),
      );
  }

  close(): void {
    this.closed = true;
    if (this.ackBusy) this.source.lingering.add(this);
    this.source.wires.delete(this);
  }
}
