/** What the agents are told. Pure. */
import type { Intent } from "../../api/agent";
import { parseDurationMs } from "../../api/duration";
import { instanceNames } from "../../api/mysqlcluster";
import { onlineOptions } from "../config/changes";
import type { Context } from "../context";

/** The intent of this cluster, the same for every agent. */
export function intentOf(
  context: Pick<Context, "cluster" | "clusterId" | "initialised" | "observed">,
): Intent {
  const { cluster, clusterId, initialised, observed } = context;
  const { failover, services } = cluster.spec;
  return {
    generation: cluster.metadata.generation ?? 1,
    clusterId,
    members: instanceNames(cluster),
    initialised,
    timing: {
      heartbeatMs: parseDurationMs(failover.heartbeat),
      electionTimeoutMs: parseDurationMs(failover.electionTimeout),
    },
    autoFailover: failover.auto,
    maxLagMs: parseDurationMs(services.replicas.maxLag),
    usePrimary: services.replicas.usePrimary,
    onlineConfig: onlineOptions(observed.options ?? {}),
  };
}
