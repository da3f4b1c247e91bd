/**
 * The next step of a rolling restart (architecture.md, Rolling changes): learners, the witness, the replicas, one at
 * a time, each awaited until it follows closely again; then leadership is handed over; then the former primary. Never
 * while the cluster lacks a member. Pure.
 */
import type { MemberStatus } from "../../api/agent";
import { restartOrder } from "../../api/rollout";
import type { ObservedInstance } from "../context";
import { hasVote } from "../members/leader";
import { doing } from "../status/conditions";
import { outdated } from "./outdated";

export interface RolloutInput {
  /** All that the spec wants, in its order. */
  readonly wanted: readonly ObservedInstance[];
  readonly primary?: MemberStatus;
  readonly strategy: "rolling" | "onDelete";
  /** A change of members that goes first; undefined = none is under way. */
  readonly busy?: string;
  /** A replica further behind is not caught up. */
  readonly lagMaxMs: number;
}

export type Step =
  | { readonly do: "nothing" }
  | { readonly do: "wait"; readonly waitsFor: string }
  | { readonly do: "restart"; readonly instance: ObservedInstance; readonly why: string }
  | { readonly do: "handOver"; readonly from: ObservedInstance; readonly why: string };

const wait = (waitsFor: string): Step => ({ do: "wait", waitsFor });

/** One step. It is asked for anew in each run: nothing is remembered between them. */
export function decideRollout(input: RolloutInput): Step {
  const { wanted, primary, strategy, busy } = input;
  const old = wanted.filter((instance) => outdated(instance) !== undefined);
  if (old.length === 0) return { do: "nothing" };
  if (strategy === "onDelete") return wait(`somebody to delete the pods of ${namesOf(old)}`);
  const unsettled = old.find(({ target }) => target?.settled !== true);
  if (unsettled) return wait(`Kubernetes to take up the new template of ${unsettled.name}`);
  // What does not run loses nothing: so an image that does not exist is mended by naming another.
  const stuck = old.find(({ pod, member }) => pod?.trouble && !pod.terminating && member === undefined);
  if (stuck) return restart(stuck);
  if (busy !== undefined) return wait(busy);
  const order = restartOrder(old, primary?.name);
  const unfit = wanted.flatMap((instance) => {
    const why = unfitness(instance, input);
    return why === undefined ? [] : [`${instance.name}: ${why}`];
  });
  if (unfit.length > 0) return wait(unfit.join("; "));
  const [next] = order;
  if (!next || !primary) return wait("a primary");
  const isReplaceable = wanted.some(({ kind, name }) => kind === "voter" && name !== primary.name);
  return next.name === primary.name && isReplaceable ? handOver(next) : restart(next);
}

/** What a member lacks to be counted on while another is away. */
function unfitness(instance: ObservedInstance, { primary, lagMaxMs }: RolloutInput): string | undefined {
  const { name, kind, pod, member } = instance;
  if (!pod || pod.terminating || !member || !member.ready) return doing(instance);
  if (kind === "learner" || !primary) return undefined;
  if (!hasVote(primary, name)) return "has no vote yet";
  if (member.term !== primary.term) return `is in term ${member.term}, the primary in ${primary.term}`;
  return (member.lagMs ?? 0) > lagMaxMs ? "is behind the primary" : undefined;
}

function restart(instance: ObservedInstance): Step {
  return { do: "restart", instance, why: outdated(instance) ?? "" };
}

function handOver(from: ObservedInstance): Step {
  return { do: "handOver", from, why: outdated(from) ?? "" };
}

const namesOf = (instances: readonly ObservedInstance[]): string =>
  instances.map(({ name }) => name).join(", ");
