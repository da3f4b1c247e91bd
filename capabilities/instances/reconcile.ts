/** Applies what makes the instances; reads their pods. Those no longer wanted are left alone: retire.ts. */
import { LABEL } from "../../api/labels";
import { membersOf, type SpecMember } from "../../api/members";
import { groupCluster } from "../cluster";
import { placeOf, type Context, type Observed, type ObservedInstance } from "../context";
import type { KubeObject } from "../objects";
import { refOf } from "../objects";
import { access } from "./access";
import { disruptionBudget } from "./budget";
import { isSettled, leftover, podOf, type Pod } from "./observe";
import { templateRevision, type InstanceInput } from "./pod";
import { statefulSet, type StatefulSet } from "./statefulset";

/** Comes after config: the pods carry the options they start with. */
export async function reconcileInstances(context: Context): Promise<Partial<Observed>> {
  const { cluster, name, kube, namespace, applier } = context;
  const labels = { [LABEL.cluster]: name, [LABEL.component]: "instance" };
  const [sets, pods] = await Promise.all([
    kube.list<StatefulSet>({ apiVersion: "apps/v1", kind: "StatefulSet", namespace, labels }),
    kube.list<Pod>({ apiVersion: "v1", kind: "Pod", namespace, labels }),
  ]);
  const wanted = membersOf(cluster);
  const existing = new Map(sets.map((set) => [set.metadata.name, set]));
  const left = sets
    .filter(({ metadata }) => !wanted.some((member) => member.name === metadata.name))
    .map((set) => leftover(name, set));
  const built = wanted.map((member) => statefulSet(inputOf(context, member), existing.get(member.name)));
  const fresh = built.filter((set) => !existing.has(set.metadata.name));
  await refuseStrangers(context, fresh);
  fresh.forEach((set) => applier.forget(set));
  await applier.all([...surroundings(context, wanted, left), ...built]);
  return {
    instances: [
      ...wanted.map((member) => observe(context, member, { pods, existing: existing.get(member.name) })),
      ...left.map((member) => ({ ...base(member), wanted: false, pod: podOf(member.name, pods) })),
    ],
  };
}

/** The member as its builder takes it. */
function inputOf({ cluster, settings, observed }: Context, member: SpecMember): InstanceInput {
  const { options = {}, poolOptions = {} } = observed;
  const own = member.kind === "learner" ? (poolOptions[member.group] ?? {}) : options;
  return { cluster: groupCluster(cluster, member.group), member, options: own, settings };
}

function surroundings(
  context: Context,
  wanted: readonly SpecMember[],
  left: readonly SpecMember[],
): readonly KubeObject[] {
  const { spec } = context.cluster;
  const place = placeOf(context);
  const pools = (spec.readReplicas ?? []).map((pool) => pool.name);
  const voters = wanted.filter(({ kind }) => kind !== "learner").length;
  const all = [...wanted, ...left].map((member) => member.name);
  return [
    ...access(place, all, pools),
    ...disruptionBudget(place, { voters, maxUnavailable: spec.pdb.maxUnavailable, pools }),
  ];
}

/**
 * A cluster "shop" with a pool "eu" and a cluster "shop-eu" would both have a "shop-eu-0": the first one keeps it.
 * @throws Error that names both.
 */
async function refuseStrangers({ kube, name }: Context, fresh: readonly StatefulSet[]): Promise<void> {
  for (const set of fresh) {
    const stored = await kube.get<KubeObject>(refOf(set));
    const owner = stored?.metadata.labels?.[LABEL.cluster];
    if (stored === undefined || owner === name) continue;
    const whose = owner === undefined ? "is not ours" : `belongs to cluster ${owner}`;
    throw new Error(
      `StatefulSet ${set.metadata.name} ${whose}: cluster ${name} cannot have it; rename one of them`,
    );
  }
}

function base({ name, kind, group }: SpecMember): Pick<ObservedInstance, "name" | "kind" | "group"> {
  return { name, kind, group };
}

function observe(
  context: Context,
  member: SpecMember,
  { pods, existing }: { readonly pods: readonly Pod[]; readonly existing?: StatefulSet },
): ObservedInstance {
  const input = inputOf(context, member);
  const revision = templateRevision(input);
  const options = member.kind === "witness" ? {} : { options: input.options };
  const target = { revision, settled: isSettled(existing, revision), ...options };
  return { ...base(member), wanted: true, target, pod: podOf(member.name, pods) };
}
