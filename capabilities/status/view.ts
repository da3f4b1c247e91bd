/** What the members' answers amount to. Pure. */
import type { MemberStatus } from "../../api/agent";
import { electionQuorum } from "../../api/quorum";
import type { ObservedInstance } from "../context";

export interface View {
  readonly wanted: readonly ObservedInstance[];
  /** Statuses of those that answered. */
  readonly answers: readonly MemberStatus[];
  /** The primary that is open for writes; two that say so are told apart by their terms. */
  readonly primary?: MemberStatus;
  readonly ready: readonly ObservedInstance[];
  /** Voters that do not answer. */
  readonly silent: readonly ObservedInstance[];
  readonly quorum: { readonly voters: number; readonly needed: number; readonly alive: number };
  /** Highest term anybody knows. */
  readonly term: number;
}

/** Sums up the instances. The primary's own count of voters beats ours: it hears them in milliseconds. */
export function viewOf(instances: readonly ObservedInstance[]): View {
  const wanted = instances.filter((instance) => instance.wanted);
  const answers = instances.flatMap(({ member }) => (member ? [member] : []));
  const primary = answers
    .filter(({ role, ready }) => role === "primary" && ready)
    .sort((a, b) => b.term - a.term)[0];
  const ready = wanted.filter(({ member }) => member?.ready === true);
  const voting = wanted.filter(({ kind }) => kind !== "learner");
  const silent = voting.filter(({ member }) => member === undefined);
  const voters = voting.length;
  const counted = { voters, needed: electionQuorum(voters), alive: voters - silent.length };
  const term = Math.max(0, ...answers.map((member) => member.term));
  return { wanted, answers, primary, ready, silent, quorum: primary?.quorum ?? counted, term };
}
