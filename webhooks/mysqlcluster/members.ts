/** Who comes and who goes with a change of the spec. Pure. */
import { WITNESS, membersOf, type SpecMember } from "../../api/members";
import { withDefaults, type MySQLCluster } from "../../api/mysqlcluster";
import { plan, type Path, type Problem } from "../../api/problem";

/** The plan of members that are added and removed; empty when nobody is. */
export function planMembers(next: MySQLCluster, previous: MySQLCluster): Problem[] {
  const [before, after] = [membersOf(previous), membersOf(next)];
  const gone = missing(before, after);
  const fresh = missing(after, before);
  const votes = { before: voters(before), after: voters(after) };
  const turn = votes.before === votes.after ? "" : `; voters ${votes.before} -> ${votes.after}`;
  const keeps = withDefaults(next.spec).storage.scaleIn === "retain";
  return [
    ...byGroup(fresh).map((group, i, all) =>
      plan(pathOf(group), `add: ${namesOf(group)}${what(group)}${isLastVoting(all, i) ? turn : ""}`),
    ),
    ...byGroup(gone).map((group, i, all) => {
      const volumes = group.length === 1 ? "its volume" : "their volumes";
      const fate = keeps ? `; ${volumes} ${group.length === 1 ? "stays" : "stay"}` : ` and ${volumes}`;
      const said = isLastVoting(all, i) && !byGroup(fresh).some(votesIn) ? turn : "";
      return plan(pathOf(group), `remove: ${namesOf(group)}${fate}${said}`);
    }),
  ];
}

const missing = (of: readonly SpecMember[], from: readonly SpecMember[]): readonly SpecMember[] =>
  of.filter(({ name }) => !from.some((one) => one.name === name));

const voters = (members: readonly SpecMember[]): number =>
  members.filter(({ kind }) => kind !== "learner").length;

const votesIn = ([first]: readonly SpecMember[]): boolean => first !== undefined && first.kind !== "learner";

/** The number of voters is told once, at the end of what changes it. */
function isLastVoting(groups: readonly (readonly SpecMember[])[], at: number): boolean {
  return groups.map(votesIn).lastIndexOf(true) === at;
}

function byGroup(members: readonly SpecMember[]): SpecMember[][] {
  const groups = new Map<string, SpecMember[]>();
  for (const member of members) groups.set(member.group, [...(groups.get(member.group) ?? []), member]);
  return [...groups.values()];
}

function what([first]: readonly SpecMember[]): string {
  if (first?.kind === "witness") return " (votes, holds no data)";
  if (first?.kind !== "learner") return "";
  return first.delay === "0s" ? " (reads, no vote)" : ` (reads ${first.delay} behind, no vote)`;
}

function pathOf([first]: readonly SpecMember[]): Path {
  if (first?.kind === "learner") return ["spec", "readReplicas"];
  return ["spec", first?.group === WITNESS ? "witness" : "instances"];
}

const namesOf = (members: readonly SpecMember[]): string => members.map(({ name }) => name).join(", ");
