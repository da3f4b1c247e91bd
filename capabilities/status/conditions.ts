/** The conditions of api.md, each from its own facts. Pure. */
import { GOOD, type ConditionType, type Reason } from "../../api/conditions";
import { parseDurationMs } from "../../api/duration";
import { toleratedLosses } from "../../api/quorum";
import type { Cluster } from "../cluster";
import type { Observed, ObservedInstance } from "../context";
import { epochOf, isBehind } from "../members/intent";
import { lostAdvice } from "./lost";
import { scaling } from "./scaling";
import type { View } from "./view";

/** A condition before it is known since when. */
export interface Finding {
  readonly type: ConditionType;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: Reason;
  readonly message: string;
}

export interface Facts {
  readonly cluster: Cluster;
  readonly observed: Partial<Observed>;
  readonly view: View;
  readonly initialised: boolean;
  /** What the rules say that refuse the spec. */
  readonly refused?: string;
  readonly now: Date;
}

const DAY_MS = 86_400_000;
/** Renewal begins 30 days before the end; with so few left it has failed for weeks. */
const EXPIRING_MS = 7 * DAY_MS;

const good = (type: ConditionType, message: string): Finding => ({
  type,
  status: "True",
  reason: GOOD,
  message,
});
const bad = (type: ConditionType, reason: Reason, message: string): Finding => ({
  type,
  status: "False",
  reason,
  message,
});
const namesOf = (instances: readonly { readonly name: string }[]) =>
  instances.map(({ name }) => name).join(", ");

/** Somebody can write. */
export function available({ view, initialised }: Facts): Finding {
  const { primary, quorum, answers, wanted } = view;
  if (primary) return good("Available", `${primary.name} takes writes in term ${primary.term}.`);
  if (!initialised) {
    return bad("Available", "NoPrimary", `The cluster is being made: ${progress(wanted)}.`);
  }
  if (answers.length === 0 && wanted.some(({ pod }) => pod?.phase === "Running")) {
    return { ...bad("Available", "NoPrimary", "No agent answers the controller."), status: "Unknown" };
  }
  if (quorum.alive < quorum.needed) {
    const text = `${quorum.alive} of ${quorum.voters} voters answer, ${quorum.needed} are needed`;
    return bad("Available", "NoQuorum", `${text}; missing: ${view.missing.join(", ")}.`);
  }
  return bad("Available", "NoPrimary", `No primary yet; highest term ${view.term}. ${progress(wanted)}.`);
}

/** Where each instance is, in a line. */
function progress(wanted: readonly ObservedInstance[]): string {
  return wanted.map((instance) => `${instance.name} ${doing(instance)}`).join("; ");
}

/** What an instance is doing: its agent's words, else Kubernetes'. */
export function doing({ pod, member }: ObservedInstance): string {
  if (member) return member.phase || member.mysqld;
  if (!pod) return "has no pod yet";
  if (pod.trouble) return `pod: ${pod.trouble.message}`;
  if (pod.terminating) return "pod is going down";
  return pod.phase === "Running" ? "agent does not answer" : `pod is ${pod.phase ?? "Pending"}`;
}

/** The next loss does not stop writes. */
export function faultTolerant({ view }: Facts): Finding {
  const { voters, needed, alive } = view.quorum;
  const asked = view.wanted.filter(({ kind }) => kind !== "learner").length;
  if (asked === 1 && voters === 1)
    return bad("FaultTolerant", "SingleInstance", "One instance: its loss stops the cluster.");
  if (asked === 2 && voters <= 2) {
    const why = "the loss of either stops writes, and nobody takes over. Add witness: {}.";
    return bad("FaultTolerant", "TwoVoters", `Two voters, no witness: ${why}`);
  }
  const spare = alive - needed;
  if (spare < 1) {
    const out = voters < asked ? ` (${asked} are wanted)` : "";
    const text = `${alive} of ${voters} voters answer${out}: the next loss stops writes.`;
    return bad("FaultTolerant", "NoSpareVoter", text);
  }
  return good(
    "FaultTolerant",
    `${alive} of ${voters} voters answer; ${spare} of ${toleratedLosses(voters)} losses to go.`,
  );
}

/** Every instance serves and follows closely. */
export function replicating(facts: Facts): Finding {
  const { view, cluster, initialised } = facts;
  const diverged = view.answers.filter(({ errant }) => errant !== "");
  if (diverged.length > 0) {
    const details = diverged.map(({ name, errant }) => `${name} has ${errant}`).join("; ");
    return bad("Replicating", "Diverged", `Transactions that nobody else has: ${details}.`.slice(0, 4_000));
  }
  const absent = view.wanted.filter(({ member }) => member?.ready !== true);
  if (!initialised || absent.length > 0) {
    const each = absent.map((one) => `${one.name} ${lostAdvice(one, facts) ?? doing(one)}`);
    return bad("Replicating", "Broken", `Not serving: ${each.join("; ")}.`.slice(0, 4_000));
  }
  const mostMs = parseDurationMs(cluster.spec.services.replicas.maxLag);
  const late = view.answers.filter(({ lagMs = 0, delayMs = 0 }) => lagMs > mostMs + delayMs);
  if (late.length > 0) {
    const details = late.map(({ name, lagMs = 0 }) => `${name} by ${Math.round(lagMs / 1_000)} s`).join(", ");
    return bad("Replicating", "Lagging", `Behind the primary: ${details}.`);
  }
  return good("Replicating", "Every instance serves.");
}

/** mysqld runs with the options of the spec. */
export function configApplied({ observed, cluster, view }: Facts): Finding {
  const { outdated = [], byHand = false, waitsFor } = observed.rollout ?? {};
  if (outdated.length > 0) {
    const what = [...new Set(outdated.map(({ why }) => why))].join("; ");
    const next = byHand
      ? "update.strategy is onDelete: delete the pods, replicas first."
      : `Next: ${waitsFor === undefined ? "a restart" : `waits for ${waitsFor}`}.`;
    const text = `Waits for a restart of ${namesOf(outdated)}: ${what}. ${next}`;
    return bad("ConfigApplied", "RestartPending", text.slice(0, 4_000));
  }
  const wantedNow = { epoch: epochOf(cluster), generation: cluster.metadata.generation ?? 0 };
  const behind = view.answers.filter((member) => isBehind(member, wantedNow));
  if (behind.length > 0 || view.answers.length === 0) {
    const who = behind.length > 0 ? namesOf(behind) : "every instance";
    return { ...bad("ConfigApplied", GOOD, `Not yet confirmed by ${who}.`), status: "Unknown" };
  }
  return good("ConfigApplied", "Every option is in force.");
}

/** The certificates are good for a while. */
export function tlsValid({ observed: { tls }, now }: Facts): Finding {
  if (!tls)
    return { ...bad("TLSValid", "SecretMissing", "The certificates are not made yet."), status: "Unknown" };
  const left = tls.notAfter.getTime() - now.getTime();
  const until = tls.notAfter.toISOString();
  if (left <= 0) return bad("TLSValid", "Expired", `A certificate ended ${until}.`);
  if (left < EXPIRING_MS)
    return bad("TLSValid", "Expiring", `A certificate ends ${until} and was not renewed.`);
  return good("TLSValid", `Valid until ${until}, renewed 30 days before.`);
}

/** Pods are restarted one after the other, by us. */
export function isRolling({ rollout }: Partial<Observed>): boolean {
  return rollout !== undefined && rollout.outdated.length > 0 && !rollout.byHand;
}

/** kstatus: True while something is under way. */
export function reconciling({ initialised, view, observed }: Facts): Finding {
  const busy = (reason: Reason, message: string) => ({
    ...good("Reconciling", message.slice(0, 4_000)),
    reason,
  });
  if (!initialised) return busy("Creating", progress(view.wanted));
  const change = scaling(observed);
  if (change !== undefined) return busy("Scaling", `${change}.`);
  const { outdated = [], waitsFor = "Kubernetes" } = observed.rollout ?? {};
  if (isRolling(observed)) return busy("Updating", `Restarts ${namesOf(outdated)}; waits for ${waitsFor}.`);
  return bad("Reconciling", GOOD, "Nothing is under way.");
}

/** kstatus: True when it does not go on by itself. */
export function stalled({ refused, observed, view, initialised }: Facts): Finding {
  const stuck = (reason: Reason, message: string): Finding => ({
    type: "Stalled",
    status: "True",
    reason,
    message,
  });
  if (refused !== undefined) return stuck("Refused", refused.slice(0, 4_000));
  const troubled = (observed.instances ?? []).find(({ pod }) => {
    return pod?.trouble?.reason === "Unschedulable" || pod?.trouble?.reason === "ImagePull";
  });
  const trouble = troubled?.pod?.trouble;
  if (troubled && trouble)
    return stuck(trouble.reason as Reason, `${troubled.name}: ${trouble.message}`.slice(0, 4_000));
  if (initialised && view.answers.length === 0 && view.wanted.some(({ pod }) => pod?.phase === "Running")) {
    return stuck("AgentUnreachable", `No agent answers: ${progress(view.wanted)}.`);
  }
  return bad("Stalled", GOOD, "Nothing stands in the way.");
}
