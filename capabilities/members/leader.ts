/** What the primary says of who is in. Pure. */
import type { MemberStatus } from "../../api/agent";
import { instanceOfMember } from "../../api/names";

/** Names of the voters in the leader's configuration; a name stands there until its old volume is voted out too. */
export function voterNames({ configuration }: Pick<MemberStatus, "configuration">): readonly string[] {
  return (configuration?.voters ?? []).map(instanceOfMember);
}

/** Whether this instance has a vote; true where the leader does not say: nobody is removed on a guess. */
export function hasVote(leader: Pick<MemberStatus, "configuration">, name: string): boolean {
  return leader.configuration === undefined || voterNames(leader).includes(name);
}

/** The change that is under way and about whom; undefined when none is. */
export function changeOf(
  leader: Pick<MemberStatus, "membership">,
): { readonly kind: "add" | "remove"; readonly name: string; readonly waitsFor: string } | undefined {
  if (!leader.membership) return undefined;
  const { kind, member, waitsFor } = leader.membership;
  return { kind, name: instanceOfMember(member), waitsFor };
}
