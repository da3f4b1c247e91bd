/** What a smaller cluster would lose: voters are let go by the votes of the others. */
import { votersOf, type SpecMember } from "../../api/members";
import { withDefaults, type MySQLCluster, type MySQLClusterStatus } from "../../api/mysqlcluster";
import { refuse, type Path, type Problem } from "../../api/problem";
import { electionQuorum } from "../../api/quorum";
import { isAllowed } from "./allow";
import type { Change } from "./rule";

/**
 * Fewer voters are refused while every living one is needed, and where those that stay could elect nobody. The facts
 * are the status; a cluster without one (being made, or nobody writes it) is not refused. Waived by
 * `porpoise.dev/allow: quorum-loss`.
 */
export function validateQuorum({ next, previous }: Change): Problem[] {
  const status = previous?.status ?? next.status;
  if (previous === undefined || status?.quorum === undefined || isAllowed(next, "quorum-loss")) return [];
  const [before, after] = [votersOf(previous), votersOf(next)];
  const staying = before.filter(({ name }) => after.some((one) => one.name === name));
  if (staying.length === before.length) return [];
  const said = { path: pathOf(previous, next), got: `${before.length} -> ${after.length}` };
  const silent = silentOf(before, status);
  return [
    ...noneToSpare(status.quorum, silent, said),
    ...fewStaying(staying, silent, { ...said, size: after.length }),
  ].slice(0, 1);
}

interface Said {
  readonly path: Path;
  readonly got: string;
}

function noneToSpare(
  { alive = 0, needed = 0, voters = 0 }: NonNullable<MySQLClusterStatus["quorum"]>,
  silent: readonly SpecMember[],
  { path, got }: Said,
): Problem[] {
  if (alive >= voters || alive > needed) return [];
  const remedy = silent.length > 0 ? repair(silent) : "Wait until all of them answer.";
  return [refuse(path, `${alive} of ${voters} voters live, all needed`, { got, remedy })];
}

function fewStaying(
  staying: readonly SpecMember[],
  silent: readonly SpecMember[],
  { path, got, size }: Said & { readonly size: number },
): Problem[] {
  const ill = staying.filter((member) => silent.includes(member));
  if (ill.length === 0 || staying.length - ill.length >= electionQuorum(size)) return [];
  const what = `of the ${size} that would stay, ${namesOf(ill)} ${ill.length === 1 ? "does" : "do"} not answer`;
  return [refuse(path, what, { got, remedy: repair(ill) })];
}

function silentOf(
  voters: readonly SpecMember[],
  { members = [] }: MySQLClusterStatus,
): readonly SpecMember[] {
  const silent = members.filter(({ role, ready }) => role === "unknown" && !ready).map(({ name }) => name);
  return voters.filter(({ name }) => silent.includes(name));
}

/** The field that takes the votes away. */
function pathOf(previous: MySQLCluster, next: MySQLCluster): Path {
  const [before, after] = [withDefaults(previous.spec), withDefaults(next.spec)];
  return ["spec", after.instances < before.instances ? "instances" : "witness"];
}

const repair = (ill: readonly SpecMember[]): string => `Repair ${namesOf(ill)} first.`;
const namesOf = (list: readonly SpecMember[]): string => list.map(({ name }) => name).join(", ");
