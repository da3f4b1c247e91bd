/** What the members' answers amount to. Pure. */
import type { MemberStatus } from "../../api/agent";
import { instanceOfMember } from "../../api/names";
import { electionQuorum } from "../../api/quorum";
import type { ObservedInstance } from "../context";

export interface View {
  readonly wanted: readonly ObservedInstance[];
  /** Statuses of those that answered. */
  readonly answers: readonly MemberStatus[];
  /** The primary that is open for writes; two that say so are told apart by their terms. */
  readonly primary?: MemberStatus;
  readonly ready: readonly ObservedInstance[];
  /** Names of voters that do not answer, or whose place a new member with an empty volume has. */
  readonly missing: readonly string[];
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
  const { voters, missing } = votersOf(voting, answers);
  const counted = { voters, needed: electionQuorum(voters), alive: voters - missing.length };
  const term = Math.max(0, ...answers.map((member) => member.term));
  return { wanted, answers, primary, ready, missing, quorum: primary?.quorum ?? counted, term };
}

/**
 * How many vote and who of them is missing, by the newest configuration that anybody has: an emptied volume answers
 * under its instance's name and has no vote. Before there is a configuration, by the instances that should vote.
 */
function votersOf(
  voting: readonly ObservedInstance[],
  answers: readonly MemberStatus[],
): { readonly voters: number; readonly missing: readonly string[] } {
  const [newest] = answers
    .flatMap(({ configuration }) => configuration ?? [])
    .sort((a, b) => b.term - a.term || b.version - a.version);
  if (newest === undefined) {
    const silent = voting.filter(({ member }) => member === undefined).map(({ name }) => name);
    return { voters: voting.length, missing: silent };
  }
  const present = new Set(answers.map(({ memberId }) => memberId));
  const missing = newest.voters.filter((id) => !present.has(id)).map(instanceOfMember);
  return { voters: newest.voters.length, missing };
}
