/** A periodic look at mysqld: hints for the core (`observed`), figures for people (`snapshot`). Never for safety. */
import { parseGtidSet } from "../../api/gtid";
import type { Event, Term } from "../raft/types";
import type { MysqldSnapshot } from "./port";
import { clean, isPurged, replicaStatus, type Server } from "./server";
import type { Row } from "./session";
import { lagMs, onLagSample, receivedOf, type LagSample } from "./sets";

const SEEN =
  "SELECT @@global.gtid_executed executed, @@global.read_only readOnly, @@global.offline_mode offline, @@global.server_uuid uuid, @@version version";
const LIMIT_MS = 2_000;

export class Observer {
  snapshot: MysqldSnapshot = {};
  private samples: readonly LagSample[] = [];
  private timer: NodeJS.Timeout | undefined;
  private busy = false;
  /** When the receiver was last seen connected. */
  private connectedAt: number | undefined;

  constructor(
    private readonly server: Server,
    private readonly emit: (event: Event) => void,
  ) {}

  /** The term whose leader the receiver was pointed to; undefined = a verb works on it, or it is to stand still. */
  following: Term | undefined;

  start(): void {
    this.timer ??= setInterval(() => void this.tick(), this.server.limits.observeMs);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.following = undefined;
    this.samples = [];
    this.snapshot = {};
  }

  private async tick(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      const session = this.server.session("observe");
      const { following } = this;
      const status = await replicaStatus(session, LIMIT_MS);
      const seen = await session.row(SEEN, LIMIT_MS);
      if (this.timer === undefined) return;
      this.onSeen(status, seen);
      // Told once; "Connecting" is a receiver that tries again by itself.
      if (
        following !== undefined &&
        following === this.following &&
        status?.["Replica_IO_Running"] === "No"
      ) {
        this.following = undefined;
        this.emit({ type: "receiverLost", term: following, purged: isPurged(status) });
      }
    } catch {
      // mysqld starts, ends or is busy: the next look tells.
    } finally {
      this.busy = false;
    }
  }

  private onSeen(status: Row | undefined, seen: Row): void {
    const executed = clean(seen["executed"]);
    const received = receivedOf({ retrieved: clean(status?.["Retrieved_Gtid_Set"]), executed });
    const readOnly = Number(seen["readOnly"]) === 1;
    const offline = Number(seen["offline"]) === 1;
    const lag = this.lag(status, received, executed);
    const follows = status?.["Replica_IO_Running"] === "Yes" && status["Replica_SQL_Running"] === "Yes";
    // Who applies late on purpose answers people, but no Service, and is nobody's donor.
    const serving = !offline && (!readOnly || follows) && this.server.delayMs === 0;
    this.snapshot = {
      version: String(seen["version"]),
      serverUuid: String(seen["uuid"]),
      executed,
      received,
      lagMs: readOnly ? lag : undefined,
      readOnly,
      offline,
      replication: replicationOf(status),
    };
    const { address } = this.server.options;
    this.emit({ type: "observed", received, health: { serving, lagMs: readOnly ? lag : 0, address } });
  }

  /** What the applier is behind, plus how long the receiver has been away. */
  private lag(status: Row | undefined, received: string, executed: string): number {
    const now = performance.now();
    if (status?.["Replica_IO_Running"] === "Yes") this.connectedAt = now;
    const away = this.connectedAt === undefined ? 0 : Math.round(now - this.connectedAt);
    const sample = { at: now, received: parseGtidSet(received) };
    this.samples = onLagSample(this.samples, sample, parseGtidSet(executed));
    return lagMs(this.samples, now) + away;
  }
}

function replicationOf(status: Row | undefined): MysqldSnapshot["replication"] {
  if (status === undefined) return undefined;
  const errors = [status["Last_IO_Error"], status["Last_SQL_Error"]].filter(
    (text) => text !== "" && text !== undefined,
  );
  return {
    receiver: String(status["Replica_IO_Running"]),
    applier: String(status["Replica_SQL_Running"]),
    error: errors.length === 0 ? undefined : errors.map(String).join("; "),
  };
}
