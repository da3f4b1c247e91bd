/** What members of a group say of each other, and whom the Service should lead to. Pure. */

/** One row of performance_schema.replication_group_members, as one member sees it. */
export interface Seen {
  readonly id: string;
  /** Pod name: the first label of the host. */
  readonly name: string;
  readonly state: string;
  readonly role: string;
}

export interface Report {
  /** The member that says it. */
  readonly by: string;
  readonly members: readonly Seen[];
  /** Whether the reporter itself takes writes. */
  readonly writable: boolean;
}

/** Of a member without a group the state is OFFLINE. */
export function stateOf(report: Report | undefined, name: string): string {
  return report?.members.find((member) => member.name === name)?.state ?? "OFFLINE";
}

const online = (report: Report): Seen[] => report.members.filter(({ state }) => state === "ONLINE");

/** True when the reporter is in a group in which more than half of `size` members are ONLINE, itself among them. */
export function inMajority(report: Report, size: number): boolean {
  const well = online(report);
  return well.length * 2 > size && well.some(({ name }) => name === report.by);
}

/**
 * The primary to publish, by one report; undefined: this report changes nothing. As early as it is sound: the
 * primary's own word counts at once, that of another member when it no longer sees the published one ONLINE
 * (else its view may be the older).
 */
export function primaryBy(
  report: Report,
  { published, size }: { readonly published: string | undefined; readonly size: number },
): string | undefined {
  if (!inMajority(report, size)) return undefined;
  const primary = online(report).find(({ role }) => role === "PRIMARY")?.name;
  if (primary === undefined || primary === published) return undefined;
  if (primary === report.by) return report.writable ? primary : undefined;
  return published === undefined || stateOf(report, published) !== "ONLINE" ? primary : undefined;
}

/**
 * Whether a member that is out may join: the group has a primary, and nobody in it counts the member's former life any
 * more. Sooner, its attempt fails and is repeated only 5 s later.
 */
export function mayJoin(reports: readonly (Report | undefined)[], name: string): boolean {
  const inside = reports.filter((report) => report !== undefined && stateOf(report, report.by) === "ONLINE");
  return (
    inside.some((report) => report && primaryIn(report) !== undefined) &&
    inside.every((report) => report?.members.every((member) => member.name !== name))
  );
}

/** Why the group is not whole; undefined when all are ONLINE in everybody's view, and agree on the primary. */
export function groupTrouble(reports: readonly (Report | undefined)[], size: number): string | undefined {
  const present = reports.filter((report) => report !== undefined);
  if (present.length !== size) return `${present.length} of ${size} members answer`;
  for (const report of present) {
    const well = online(report).length;
    if (well !== size) return `${report.by} sees ${well} of ${size} ONLINE`;
  }
  const primaries = new Set(present.map((report) => primaryIn(report)));
  if (primaries.size !== 1 || primaries.has(undefined)) return "the members disagree on the primary";
  const [primary] = present.filter((report) => primaryIn(report) === report.by);
  return primary?.writable === true ? undefined : "the primary takes no writes";
}

/** The primary of a report. */
export const primaryIn = (report: Report): string | undefined =>
  report.members.find(({ role, state }) => role === "PRIMARY" && state === "ONLINE")?.name;
