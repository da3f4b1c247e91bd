/** Takes at most one step of a rolling restart or of the renewal of the agents in each run. */
import { parseDurationMs } from "../../api/duration";
import { names } from "../../api/names";
import type { Context, Observed, ObservedInstance, Rollout } from "../context";
import { addressOf } from "../members/reconcile";
import { scaling } from "../status/scaling";
import { viewOf } from "../status/view";
import { decideRollout } from "./decide";
import { outdated } from "./outdated";
import { decideRenewal } from "./renewal";

/** What a step did or waits for. */
type Taken = Pick<Rollout, "waitsFor" | "restarted">;

/** Comes last: what members are, and whether some come or go, is known. */
export async function reconcileRollout(context: Context): Promise<Partial<Observed>> {
  const { instances = [] } = context.observed;
  const wanted = instances.filter((instance) => instance.wanted);
  const old = wanted.flatMap((instance) => {
    const why = outdated(instance);
    return why === undefined ? [] : [{ name: instance.name, why }];
  });
  const byHand = context.cluster.spec.update.strategy === "onDelete";
  const taken = await restartNext(context, wanted);
  const renewed = taken ?? (await renewNext(context, wanted)) ?? {};
  return { rollout: { outdated: old, byHand, ...renewed } };
}

/** undefined = nothing is to be restarted. */
async function restartNext(
  context: Context,
  wanted: readonly ObservedInstance[],
): Promise<Taken | undefined> {
  const { cluster, observed } = context;
  const { primary } = viewOf(observed.instances ?? []);
  const { strategy } = cluster.spec.update;
  const lagMaxMs = parseDurationMs(cluster.spec.services.replicas.maxLag);
  const busy = scaling(observed);
  const step = decideRollout({ wanted, primary, strategy, busy, lagMaxMs });
  switch (step.do) {
    case "nothing":
      return undefined;
    case "wait":
      return { waitsFor: step.waitsFor };
    case "handOver":
      return { waitsFor: await handOver(context, step.from) };
    case "restart": {
      const { name, pod } = step.instance;
      const ref = { apiVersion: "v1", kind: "Pod", namespace: context.namespace, name: names.pod(name) };
      // SIGTERM: the agent hands over what it has, then stops mysqld.
      await context.kube.delete(ref, pod?.uid);
      return { restarted: { name, why: step.why } };
    }
  }
}

/** @returns what the rollout waits for next. */
async function handOver(context: Context, from: ObservedInstance): Promise<string> {
  const { credentials } = context.observed;
  const address = addressOf(context, from);
  if (!credentials || !address) return `${from.name} to answer`;
  const reason = "rolling restart";
  const answer = await context.agents.transfer(address, credentials, { reason }).catch(reasonOf);
  if (typeof answer === "string") return `${from.name} to hand over: ${answer}`;
  return answer.accepted ? `${from.name} to hand over` : `${from.name} to hand over: ${answer.reason}`;
}

async function renewNext(context: Context, wanted: readonly ObservedInstance[]): Promise<Taken | undefined> {
  const { cluster, bundle, sent, observed } = context;
  const { credentials } = observed;
  if (scaling(observed) !== undefined || !bundle || !credentials) return undefined;
  const { primary } = viewOf(observed.instances ?? []);
  const policy = cluster.spec.update.agent;
  const now = context.now.getTime();
  const step = decideRenewal({ wanted, primary, sha256: bundle.sha256, policy, sent, now });
  if (step.do === "nothing") return undefined;
  if (step.do === "wait") return { waitsFor: step.waitsFor };
  const { name, pod } = step.instance;
  const address = addressOf(context, step.instance);
  if (!address) return undefined;
  sent.set(pod?.uid ?? "", now);
  const answer = await context.agents.renew(address, credentials, bundle).catch(reasonOf);
  return { waitsFor: typeof answer === "string" ? answer : `${name} to run its new agent` };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
