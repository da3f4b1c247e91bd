/**
 * Instances that the spec does not want any more. The leader lets a voter go by a change of the configuration; only
 * when nobody counts on it any more is its StatefulSet removed, and its volume kept or removed by
 * spec.storage.scaleIn. Before that, a removed pod would be one more voter that is silent.
 */
import type { MemberStatus } from "../../api/agent";
import { names } from "../../api/names";
import type { Context, Observed, ObservedInstance, Retirement } from "../context";
import type { Kube } from "../kube";
import { changeOf, hasVote } from "../members/leader";
import { epochOf, isBehind } from "../members/intent";
import { refOf, type KubeObject, type Ref } from "../objects";
import { viewOf } from "../status/view";
import { freeVolumes, type OwningSet } from "./volumes";

/** Comes after members: the leader's answer decides. */
export async function reconcileRetirement(context: Context): Promise<Partial<Observed>> {
  const { instances = [] } = context.observed;
  const { primary } = viewOf(instances);
  const wanted = {
    epoch: epochOf(context.cluster),
    generation: context.cluster.metadata.generation ?? 1,
  };
  const waiting: Retirement["waiting"][number][] = [];
  const removed: Retirement["removed"][number][] = [];
  const volume = context.cluster.spec.storage.scaleIn;
  for (const instance of instances.filter((one) => !one.wanted)) {
    const { name } = instance;
    const waitsFor = staysFor(instance, primary, wanted);
    if (waitsFor !== undefined) waiting.push({ name, waitsFor });
    else if (await remove(context, name)) removed.push({ name, volume });
    else waiting.push({ name, waitsFor: "Kubernetes to let go of its volume" });
  }
  return { retirement: { waiting, removed } };
}

/** What an instance that is not wanted waits for before it may go; undefined = it may. Pure. */
export function staysFor(
  { name, kind, member }: Pick<ObservedInstance, "name" | "kind" | "member">,
  primary: MemberStatus | undefined,
  wanted: { readonly epoch: number; readonly generation: number },
): string | undefined {
  if (kind === "learner") return undefined; // Nobody counts on it.
  if (!primary) return "a primary: only the voters can let it go";
  if (isBehind(primary, wanted)) return `${primary.name} to hear of it`;
  const change = changeOf(primary);
  if (change?.name === name) return change.waitsFor;
  if (hasVote(primary, name))
    return change ? `its turn, after ${change.name}` : `${primary.name} to let it go`;
  // It learns from the leader's heartbeats that it is out; until then it might stand for election.
  const isUnaware = member !== undefined && member.clusterId === primary.clusterId && hasVote(member, name);
  return isUnaware ? `${name} to hear that it has no vote` : undefined;
}

/** Removes one. @returns false while its volume, which is to stay, would go with it. */
async function remove({ kube, namespace, cluster }: Context, name: string): Promise<boolean> {
  const ref: Ref = { apiVersion: "apps/v1", kind: "StatefulSet", namespace, name };
  const claim: Ref = {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    namespace,
    name: names.dataVolume(name),
  };
  const set = await kube.get<OwningSet>(ref);
  if (!set) return true;
  if (cluster.spec.storage.scaleIn === "retain") {
    const claims = await claimsOf(kube, claim);
    if (await freeVolumes(kube, [set], claims)) return false;
  }
  // First the volume: it goes when its pod is gone, and a run that ends here finds the StatefulSet again.
  else await kube.delete(claim);
  await kube.delete(refOf(set));
  return true;
}

async function claimsOf(kube: Kube, claim: Ref): Promise<readonly KubeObject[]> {
  const found = await kube.get<KubeObject>(claim);
  return found ? [found] : [];
}
