/**
 * Agents in running pods are replaced by this release's, one at a time, MySQL runs on: followers first, the leader
 * last, which hands over before. A bundle that does not hold stops it at the first: its member does not come back to
 * ready (and its supervisor goes back to the proven bundle). Pure.
 */
import type { MemberStatus } from "../../api/agent";
import { restartOrder } from "../../api/rollout";
import type { ObservedInstance } from "../context";

export interface RenewalInput {
  readonly wanted: readonly ObservedInstance[];
  readonly primary?: MemberStatus;
  /** Of our bundle, hex; undefined = this controller brings none. */
  readonly sha256?: string;
  readonly policy: "lazy" | "now";
  /** When our bundle was last sent to a pod (by its UID), ms since 1970. */
  readonly sent: ReadonlyMap<string, number>;
  /** ms since 1970. */
  readonly now: number;
}

export type Renewal =
  | { readonly do: "nothing" }
  | { readonly do: "wait"; readonly waitsFor: string }
  | { readonly do: "renew"; readonly instance: ObservedInstance };

/** For the supervisor to try the bundle and the member to serve again; then it may be sent once more. */
const TRIAL_MS = 60_000;

/** One step. An agent that does not say which bundle it runs is left alone: it could not take another. */
export function decideRenewal(input: RenewalInput): Renewal {
  const { wanted, primary, sha256, policy } = input;
  const old = policy === "lazy" ? [] : wanted.filter((instance) => runsAnother(instance, sha256));
  const [next] = restartOrder(old, primary?.name);
  if (!next) return { do: "nothing" };
  const trial = onTrial(old, input);
  if (trial !== undefined) return { do: "wait", waitsFor: trial };
  if (!primary) return { do: "wait", waitsFor: "a primary, to renew agents" };
  if (next.kind === "learner" || isSpare(primary, wanted)) return { do: "renew", instance: next };
  return { do: "wait", waitsFor: "every needed voter to serve, to renew agents" };
}

function runsAnother({ member, pod }: ObservedInstance, sha256: string | undefined): boolean {
  const own = member?.bundle?.sha256 ?? "";
  return sha256 !== undefined && own !== "" && own !== sha256 && pod?.terminating === false;
}

/** The bundle was sent to a member that does not run it yet, or will not. */
function onTrial(old: readonly ObservedInstance[], { sent, now }: RenewalInput): string | undefined {
  for (const { name, pod, member } of old) {
    const at = sent.get(pod?.uid ?? "");
    if (at === undefined) continue;
    const { refused } = member?.bundle ?? {};
    if (refused !== undefined) return `another agent: ${name} refused this one: ${refused}`;
    if (now - at < TRIAL_MS) return `${name} to run its new agent`;
  }
  return undefined;
}

/** While its agent starts, a member neither votes nor answers the leader: of one or two voters all must serve. */
function isSpare({ quorum }: MemberStatus, wanted: readonly ObservedInstance[]): boolean {
  const away = wanted.filter(({ kind, member }) => kind !== "learner" && member?.ready !== true).length;
  const { needed, alive, voters } = quorum ?? { needed: 1, alive: 1, voters: 1 };
  return voters < 3 ? away === 0 : alive - 1 >= needed && away <= alive - needed;
}
