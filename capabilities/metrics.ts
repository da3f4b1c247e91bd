/** The controller's own metrics, on a port of its own: Pepr's registry takes no labels (pepr-facts 1.5). */
import { createServer, type Server } from "node:http";
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";

export const METRICS_PORT = 8081;

export interface Metrics {
  readonly registry: Registry;
  readonly runs: Counter<"result">;
  readonly runSeconds: Histogram;
  /** Unix time of the last sweep that succeeded; an old one means a controller that is alive and deaf. */
  readonly lastSweep: Gauge;
  readonly clusters: Gauge<"phase">;
}

/** @param depth keys that wait in the work queue */
export function makeMetrics(depth: () => number): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  new Gauge({
    name: "porpoise_queue_depth",
    help: "Clusters that wait to be reconciled",
    registers,
    collect() {
      this.set(depth());
    },
  });
  return {
    registry,
    runs: new Counter({
      name: "porpoise_reconciles_total",
      help: "Reconciles",
      labelNames: ["result"],
      registers,
    }),
    runSeconds: new Histogram({
      name: "porpoise_reconcile_seconds",
      help: "Duration of a reconcile",
      buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15],
      registers,
    }),
    lastSweep: new Gauge({
      name: "porpoise_last_sweep_seconds",
      help: "Unix time of the last good sweep",
      registers,
    }),
    clusters: new Gauge({
      name: "porpoise_clusters",
      help: "Clusters by phase",
      labelNames: ["phase"],
      registers,
    }),
  };
}

/** Serves /metrics in clear; a port that is taken costs the metrics, not the controller. */
export function serveMetrics({ registry }: Metrics, port: number, failed: (error: Error) => void): Server {
  const server = createServer((_request, response) => {
    registry.metrics().then(
      (text) => response.setHeader("content-type", registry.contentType).end(text),
      () => response.writeHead(500).end(),
    );
  });
  server.on("error", failed);
  return server.listen(port);
}
