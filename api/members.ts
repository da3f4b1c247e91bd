/**
 * Everyone a MySQLCluster's spec asks for: the instances of spec.instances, the witness, the pools of read replicas.
 * The one list that admission, the controller and the intent are made of.
 */
import { withDefaults, type MySQLCluster, type MySQLClusterSpec } from "./mysqlcluster";
import { names } from "./names";

export type MemberKind = "voter" | "witness" | "learner";

/** "" = spec.instances, "witness", or the name of a pool: members of one group have the same pod template. */
export type GroupName = string;
export const VOTERS: GroupName = "";
export const WITNESS: GroupName = "witness";

export interface SpecMember {
  /** Instance name: "shop-0", "shop-witness", "shop-reports-0". */
  readonly name: string;
  readonly kind: MemberKind;
  readonly group: GroupName;
  /** Within its group. */
  readonly ordinal: number;
  /** Of a learner; "0s" = none. */
  readonly delay: string;
}

export type ReadReplicas = NonNullable<MySQLClusterSpec["readReplicas"]>[number];

/** Members in the order in which people list them: by ordinal, then the witness, then the pools. */
export function membersOf(cluster: Pick<MySQLCluster, "metadata" | "spec">): readonly SpecMember[] {
  const c = cluster.metadata.name;
  const { instances, witness, readReplicas = [] } = withDefaults(cluster.spec);
  const plain = { delay: "0s" } as const;
  return [
    ...range(instances).map(
      (ordinal): SpecMember => ({
        name: names.instance(c, ordinal),
        kind: "voter",
        group: VOTERS,
        ordinal,
        ...plain,
      }),
    ),
    ...(witness
      ? [{ name: names.witness(c), kind: "witness", group: WITNESS, ordinal: 0, ...plain } as const]
      : []),
    ...readReplicas.flatMap(({ name: pool, instances: size = 1, delay = "0s" }) =>
      range(size).map(
        (ordinal): SpecMember => ({
          name: names.poolInstance(c, pool, ordinal),
          kind: "learner",
          group: pool,
          ordinal,
          delay,
        }),
      ),
    ),
  ];
}

/** Members with a vote: the instances and the witness. */
export function votersOf(cluster: Pick<MySQLCluster, "metadata" | "spec">): readonly SpecMember[] {
  return membersOf(cluster).filter(({ kind }) => kind !== "learner");
}

const range = (length: number): number[] => Array.from({ length }, (_, i) => i);
