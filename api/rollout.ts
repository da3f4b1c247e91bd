/**
 * The order of a rolling restart (architecture.md, Rolling changes) and the fields that need one: what admission
 * announces is what the controller does.
 */
import type { DefaultedMySQLClusterSpec } from "./mysqlcluster";

/** Fields of the spec that are part of the pod template by the user's word (marked ~ in api.md). */
export const RESTART_FIELDS = [
  "version",
  "image",
  "imagePullPolicy",
  "imagePullSecrets",
  "resources",
  "pod",
] as const satisfies readonly (keyof DefaultedMySQLClusterSpec)[];

/** What a restart's order needs of a member. */
export interface Restartable {
  readonly name: string;
  readonly kind: "voter" | "witness" | "learner";
}

/**
 * Those to restart, in order: learners (nobody counts on them), the witness, the replicas with the highest ordinal
 * first, and the primary last, after leadership was handed over. `members` is in the spec's order.
 */
export function restartOrder<T extends Restartable>(members: readonly T[], primary?: string): readonly T[] {
  const rank = ({ name, kind }: Restartable): number =>
    name === primary ? 3 : { learner: 0, witness: 1, voter: 2 }[kind];
  return members
    .map((member, at) => ({ member, at }))
    .sort((a, b) => rank(a.member) - rank(b.member) || b.at - a.at)
    .map(({ member }) => member);
}
