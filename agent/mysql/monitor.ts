/**
 * Watches an armed leader: nudges commits whose acknowledgement was lost, and kills a mysqld whose semi-sync was
 * switched off by anything but us: from then on it could say OK without a quorum (I5).
 */
import type { Event, Term } from "../raft/types";
import { NO_NUDGE, NUDGE_SLOTS, onStatus, type NudgeState, type SemiSyncStatus } from "./nudging";
import type { Server } from "./server";
import { messageOf, type Row } from "./session";
import { nudge } from "./sql";

/** A row of its own: a probe never waits for a nudge's lock. */
const PROBE_SLOT = 101;

export class Monitor {
  private term: Term = 0;
  /** When the probe was written that has not come back. */
  private probeAt: number | undefined;
  private probedAt = -Infinity;
  private stalledTold = false;
  private timer: NodeJS.Timeout | undefined;
  private state: NudgeState = NO_NUDGE;
  private isOpen = false;
  private busy = false;
  /** Nudges that have not come back, by slot. */
  private readonly hanging = new Set<number>();
  private last: SemiSyncStatus | undefined;

  constructor(
    private readonly server: Server,
    private readonly emit: (event: Event) => void,
  ) {}

  /** Commits that wait, as last seen. */
  get waiting(): number | undefined {
    return this.timer === undefined ? undefined : this.last?.waiting;
  }

  start(term: Term): void {
    this.term = term;
    this.stalledTold = false;
    if (this.timer !== undefined) return;
    this.state = NO_NUDGE;
    this.probeAt = undefined;
    this.timer = setInterval(() => void this.tick(), this.server.limits.monitorMs);
  }

  /** From here on semi-sync must be on, and a row must come through. */
  opened(): void {
    this.isOpen = true;
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.isOpen = false;
    if (this.probeAt !== undefined) this.server.session("probe").abort(new Error("no longer leader"));
    this.probeAt = undefined;
    for (const slot of this.hanging) this.server.session(`nudge${slot}`).abort(new Error("no longer leader"));
  }

  private async tick(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      const rows = await this.server
        .session("monitor")
        .query("SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_source%'", 1_000);
      if (this.timer !== undefined) await this.onStatus(statusOf(rows));
    } catch (error) {
      if (this.timer !== undefined) await this.onFailure(error);
    } finally {
      this.busy = false;
    }
  }

  /**
   * A leader that takes no connections is shutting down, by whoever's hand: clients would get OK for commits that
   * nobody acknowledged (mysql-facts B), and none could connect for the seconds that it takes.
   */
  private async onFailure(error: unknown): Promise<void> {
    this.server.options.log("monitor", { error: messageOf(error) });
    if (!this.isOpen || !isClosed(error)) return;
    this.stop();
    this.server.options.log("mysqld of an open leader is shutting down: killing it");
    await this.server.kill();
  }

  private async onStatus(status: SemiSyncStatus): Promise<void> {
    this.last = status;
    if (this.isOpen && this.server.armedWith > 0 && !status.on) {
      this.stop();
      this.server.options.log("semi-sync went off on an open leader: killing mysqld (I5)");
      return this.server.kill();
    }
    const [state, write] = onStatus(this.state, status, {
      now: performance.now(),
      nudgeMs: this.server.limits.nudgeMs,
    });
    this.state = state;
    if (write && this.server.barrierBegun) this.nudge();
    if (this.isOpen) this.probe();
    this.tellStalled();
  }

  /** A hung disk shows in no semi-sync counter: a commit hangs before it waits. Only a row that comes back proves. */
  private probe(): void {
    const now = performance.now();
    if (this.probeAt !== undefined || now - this.probedAt < this.server.limits.probeMs) return;
    this.probedAt = this.probeAt = now;
    void this.server
      .session("probe")
      .query(nudge(PROBE_SLOT))
      .catch(() => undefined)
      .finally(() => (this.probeAt = undefined));
  }

  /** Once in a while that lasts: the core hands over. */
  private tellStalled(): void {
    const since = Math.min(this.state.stalledAt ?? Infinity, this.probeAt ?? Infinity);
    const stalled = performance.now() - since >= this.server.limits.stalledMs;
    if (stalled && !this.stalledTold) this.emit({ type: "stalled", term: this.term });
    this.stalledTold = stalled;
  }

  /** Not waited for. Never before the barrier: that is the first transaction of its term. */
  private nudge(): void {
    const slot = Array.from({ length: NUDGE_SLOTS }, (_, at) => at).find((at) => !this.hanging.has(at));
    if (slot === undefined) return;
    this.hanging.add(slot);
    void this.server
      .session(`nudge${slot}`)
      .query(nudge(slot))
      .catch(() => undefined)
      .finally(() => this.hanging.delete(slot));
  }
}

/** The socket is gone or nobody listens at it, or the server says that it shuts down (1053). */
export function isClosed(error: unknown): boolean {
  const { code, errno } = error as { code?: unknown; errno?: unknown };
  return code === "ENOENT" || code === "ECONNREFUSED" || errno === 1053;
}

export function statusOf(rows: readonly Row[]): SemiSyncStatus {
  const values = new Map(
    rows.map((row) => [String(row["Variable_name"]).toLowerCase(), String(row["Value"])]),
  );
  const value = (name: string): string => values.get(`rpl_semi_sync_source_${name}`) ?? "";
  return {
    on: value("status") === "ON",
    clients: Number(value("clients")),
    waiting: Number(value("wait_sessions")),
    acknowledged: Number(value("yes_tx")),
  };
}
