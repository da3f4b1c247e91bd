/** Bindings: which events wake the controller. A table of contents; every handler only enqueues. */
import { Capability, Log, a } from "pepr";
import { LABEL, MANAGER } from "../api/labels";
import { MySQLClusterKind } from "../kinds";
import { Applier } from "./apply";
import { Controller } from "./controller";
import { HttpKube } from "./kube";
import { HttpAgents } from "./members/agents";
import { METRICS_PORT, makeMetrics, serveMetrics } from "./metrics";
import type { Rules } from "./reconcile";
import { readBundle, readSettings } from "./settings";
import { clusterOf, newsOf } from "./wake";

/** The controller's capability. `rules` are the webhooks' own, run again on every object. */
export function controllerCapability(rules: Rules): Capability {
  const capability = new Capability({ name: "controller", description: "Runs MySQL clusters" });
  const { When } = capability;
  const isWatcher = process.env["PEPR_WATCH_MODE"] === "true" || process.env["PEPR_MODE"] === "dev";
  const controller = isWatcher ? startController(rules) : undefined;
  const enqueue = (key: string | undefined) => {
    if (key !== undefined) controller?.enqueue(key);
  };

  const isNews = newsOf();
  When(MySQLClusterKind)
    .IsCreatedOrUpdated()
    .Reconcile((cluster) => enqueue(isNews(cluster) ? clusterOf(cluster) : undefined));
  for (const kind of [a.StatefulSet, a.Pod, a.EndpointSlice]) {
    When(kind)
      .IsCreatedOrUpdated()
      .WithLabel(LABEL.managedBy, MANAGER)
      .Watch((object) => enqueue(clusterOf(object)));
  }
  return capability;
}

function startController(rules: Rules): Controller {
  const log = Log.child({ component: "porpoise" });
  const kube = HttpKube.fromEnvironment();
  const ports = {
    kube,
    agents: new HttpAgents(),
    applier: new Applier(kube, () => Date.now()),
    settings: readSettings(process.env),
    rules,
    told: new Map<string, string>(),
    sent: new Map<string, number>(),
    bundle: readBundle(process.env),
    now: () => new Date(),
  };
  const controller = new Controller(ports, log, (code) => process.exit(code));
  controller.metrics = makeMetrics(() => controller.depth);
  serveMetrics(controller.metrics, METRICS_PORT, (error) => log.warn({ error: error.message }, "no metrics"));
  controller.start();
  return controller;
}
