/** The controller as a whole: queue, sweep, heartbeat. Everything it touches is handed in. */
import type { MySQLCluster } from "../api/mysqlcluster";
import { API_VERSION } from "../api/names";
import type { Metrics } from "./metrics";
import { WorkQueue, type QueueOptions } from "./queue";
import { keyOf, reconcile, type Ports } from "./reconcile";

export interface Log {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

/** Four clusters at a time; a second's wait after the first failure, five minutes at most. */
const QUEUE: QueueOptions = { parallel: 4, baseMs: 1_000, maxMs: 300_000 };
/** Delivery of watch events is never trusted (pepr-facts 5): everything is looked at this often. */
const SWEEP_MS = 30_000;
/** Five minutes without the API server: start afresh, the watches may be dead too (pepr-facts 1.4, I#3178). */
const FAILED_SWEEPS_MAX = 10;

export class Controller {
  private readonly queue: WorkQueue;
  private failedSweeps = 0;
  metrics?: Metrics;

  constructor(
    private readonly ports: Ports,
    private readonly log: Log,
    private readonly exit: (code: number) => void,
  ) {
    this.queue = new WorkQueue(
      {
        run: (key) => this.run(key),
        failed: (key, failures, error) => {
          this.log.error({ cluster: key, failures, error: text(error) }, "reconcile failed");
        },
      },
      QUEUE,
    );
  }

  get depth(): number {
    return this.queue.depth;
  }

  /** Something about this cluster may have changed. */
  enqueue(key: string): void {
    this.queue.add(key);
  }

  /** Sweeps now and from now on. */
  start(): void {
    void this.sweep();
    setInterval(() => void this.sweep(), SWEEP_MS);
  }

  private async run(key: string) {
    const startMs = performance.now();
    try {
      const result = await reconcile(this.ports, key);
      this.metrics?.runs.inc({ result: "ok" });
      return result;
    } catch (error) {
      this.metrics?.runs.inc({ result: "failed" });
      throw error;
    } finally {
      this.metrics?.runSeconds.observe((performance.now() - startMs) / 1_000);
    }
  }

  private async sweep(): Promise<void> {
    try {
      const clusters = await this.ports.kube.list<MySQLCluster>({
        apiVersion: API_VERSION,
        kind: "MySQLCluster",
      });
      clusters.forEach((cluster) => this.enqueue(keyOf(cluster)));
      this.failedSweeps = 0;
      this.count(clusters);
    } catch (error) {
      this.failedSweeps += 1;
      this.log.warn({ failures: this.failedSweeps, error: text(error) }, "sweep failed");
      if (this.failedSweeps >= FAILED_SWEEPS_MAX) this.exit(1);
    }
  }

  private count(clusters: readonly MySQLCluster[]): void {
    this.metrics?.lastSweep.set(Date.now() / 1_000);
    this.metrics?.clusters.reset();
    clusters.forEach(({ status }) => this.metrics?.clusters.inc({ phase: status?.phase ?? "Creating" }));
  }
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
