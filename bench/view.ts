/** A cluster as it is at one moment, and whether it is whole. Pure: bench/cluster.ts reads it. */
import type { MemberStatus } from "../api/agent";
import type { MySQLCluster } from "../api/mysqlcluster";

export interface PodView {
  readonly name: string;
  readonly instance: string;
  readonly uid: string;
  readonly ip?: string;
  readonly node?: string;
  readonly ready: boolean;
  readonly deleting: boolean;
}

export interface Endpoint {
  /** The term whose leader wrote it. */
  readonly term?: number;
  readonly addresses: readonly string[];
}

export interface View {
  /** Absent: there is no such object. */
  readonly cluster?: MySQLCluster;
  readonly pods: readonly PodView[];
  /** By instance; who does not answer is absent. */
  readonly members: ReadonlyMap<string, MemberStatus>;
  readonly primary: Endpoint;
  readonly replicas: Endpoint;
}

/** The member that is open for writes, of the highest term if two say so. */
export function primaryOf(view: Pick<View, "members">): MemberStatus | undefined {
  return [...view.members.values()]
    .filter(({ role, ready }) => role === "primary" && ready)
    .sort((a, b) => b.term - a.term)[0];
}

/**
 * What keeps the cluster from being whole, in a sentence; undefined when every instance serves, the data Services
 * lead where they should, and the status says so.
 */
export function unhealthy(view: View, instances: number): string | undefined {
  return (
    podsTrouble(view, instances) ??
    membersTrouble(view, instances) ??
    servicesTrouble(view) ??
    statusTrouble(view)
  );
}

function podsTrouble({ pods }: View, instances: number): string | undefined {
  if (pods.length !== instances) return `${pods.length} of ${instances} pods exist`;
  const unready = pods.find(({ ready, deleting }) => !ready || deleting);
  return unready && `pod ${unready.name} is ${unready.deleting ? "being deleted" : "not Ready"}`;
}

function membersTrouble(view: View, instances: number): string | undefined {
  const members = [...view.members.values()];
  const silent = view.pods.find(({ instance }) => !view.members.has(instance));
  if (silent) return `the agent of ${silent.instance} does not answer`;
  const primaries = members.filter(({ role }) => role === "primary");
  const [primary] = primaries;
  if (primaries.length !== 1 || !primary) return `${primaries.length} members say that they are primary`;
  const behind = members.find(({ term }) => term !== primary.term);
  if (behind) return `${behind.name} is in term ${behind.term}, the primary in ${primary.term}`;
  const voters = primary.configuration?.voters.length ?? 0;
  if (voters !== instances) return `${voters} of ${instances} instances vote`;
  const unready = members.find(({ ready }) => !ready);
  if (unready) return `${unready.name}: ${unready.phase}`;
  const errant = members.find((member) => member.errant !== "");
  return errant && `${errant.name} has errant transactions ${errant.errant}`;
}

function servicesTrouble(view: View): string | undefined {
  const primary = primaryOf(view);
  const ipOf = (instance?: string): string => view.pods.find((pod) => pod.instance === instance)?.ip ?? "?";
  const wanted = ipOf(primary?.name);
  if (view.primary.addresses.join() !== wanted) {
    return `the primary's Service leads to ${view.primary.addresses.join() || "nobody"}, not ${wanted}`;
  }
  const readers = [...view.members.keys()].filter((name) => name !== primary?.name).map(ipOf);
  if ([...view.replicas.addresses].sort().join() !== readers.sort().join()) {
    return `the replicas' Service leads to ${view.replicas.addresses.join() || "nobody"}, not ${readers.join()}`;
  }
  return undefined;
}

function statusTrouble(view: View): string | undefined {
  const { cluster } = view;
  const status = cluster?.status;
  if (!status) return "the MySQLCluster has no status yet";
  const primary = primaryOf(view);
  if (status.observedGeneration !== cluster?.metadata.generation)
    return "the status is of an older generation";
  if (status.phase !== "Ready") return `the phase is ${status.phase}`;
  if (status.primary !== primary?.name)
    return `the status names ${status.primary} as primary, not ${primary?.name}`;
  if (status.term !== primary?.term) return `the status names term ${status.term}, not ${primary?.term}`;
  return undefined;
}

/** `kept`: all its data were right; `rewind`, `clone`: what nobody acknowledged was taken away. */
export interface Comeback {
  readonly how: "kept" | "rewind" | "clone";
  readonly gtids?: string;
}

export interface EventView {
  /** Epoch ms; Kubernetes keeps whole seconds. */
  readonly at: number;
  readonly reason: string;
  readonly message: string;
}

/** How a member came back from a fault that began at `since` (epoch, ms), by its events and its own status. */
export function comeback(
  member: Pick<MemberStatus, "name" | "discarded"> | undefined,
  events: readonly EventView[],
  since: number,
): Comeback {
  const own = events.filter(
    ({ at, message }) => at >= since - 1000 && message.startsWith(`${member?.name} `),
  );
  const message = (reason: string): string | undefined =>
    own.filter((one) => one.reason === reason).at(-1)?.message;
  const discarded =
    member?.discarded && Date.parse(member.discarded.at) >= since ? member.discarded : undefined;
  const gtids = discarded?.gtids ?? gtidsIn(message("TransactionsDiscarded") ?? message("Rewound") ?? "");
  if (discarded?.how === "clone" || message("Cloned") !== undefined) return { how: "clone", gtids };
  if (discarded?.how === "rewind" || message("Rewound") !== undefined) return { how: "rewind", gtids };
  return { how: "kept" };
}

const gtidsIn = (text: string): string | undefined =>
  /[0-9a-f]{8}-[0-9a-f-]{27}:[0-9a-f:,\s-]+/.exec(text)?.[0].trim();
