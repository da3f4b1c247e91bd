/** Clusters whose members come and go: waits on the status, as an operator would look at it, and on the leader. */
import { readMembers, readCluster, readPods, type ClusterRef } from "../../bench/cluster";
import { primaryOf } from "../../bench/view";
import { waitFor } from "../../bench/waits";
import type { MemberStatus } from "../../api/agent";
import { instanceOfMember } from "../../api/names";
import { kubectl } from "../../sandbox/kube";
import { WHOLE_MS } from "./shop";

/** Changes the spec as `kubectl patch` does. */
export async function patchSpec({ namespace, name }: ClusterRef, spec: object): Promise<void> {
  const patch = JSON.stringify({ spec });
  await kubectl(["-n", namespace, "patch", "mysqlcluster", name, "--type=merge", "-p", patch]);
}

/** `kubectl scale`: by the scale subresource. */
export async function scale({ namespace, name }: ClusterRef, replicas: number): Promise<void> {
  await kubectl(["-n", namespace, "scale", "mysqlcluster", name, `--replicas=${replicas}`]);
}

/** The leader's own status. @throws while there is none. */
export async function leaderOf(ref: ClusterRef): Promise<MemberStatus> {
  const leader = primaryOf({ members: await readMembers(await readPods(ref)) });
  if (!leader) throw new Error("nobody is primary");
  return leader;
}

/** Names of those with a vote, as the leader has them. */
export const votersIn = ({ configuration }: MemberStatus): string[] =>
  (configuration?.voters ?? []).map(instanceOfMember).sort();

/** Waits until the status of the present generation is Ready with exactly these members, and these vote. */
export function awaitMembers(
  ref: ClusterRef,
  { members, voters }: { readonly members: readonly string[]; readonly voters: readonly string[] },
  deadlineMs = WHOLE_MS,
): Promise<void> {
  return waitFor(`members ${members.join(", ")}`, { deadlineMs, everyMs: 500 }, async () => {
    const cluster = await readCluster(ref);
    const { status, metadata } = cluster ?? {};
    if (status?.observedGeneration !== metadata?.generation) return "the status is of an older generation";
    if (status?.phase !== "Ready") {
      const doing = (status?.members ?? [])
        .filter(({ ready }) => !ready)
        .map((one) => `${one.name} ${one.phase}`);
      return `the phase is ${status?.phase}: ${doing.join("; ")}`;
    }
    const found = (status.members ?? []).map(({ name }) => name).sort();
    if (found.join() !== [...members].sort().join()) return `members are ${found.join(", ")}`;
    const pods = await readPods(ref);
    if (pods.length !== members.length) return `${pods.length} pods exist`;
    const voting = votersIn(await leaderOf(ref));
    return voting.join() === [...voters].sort().join() ? { value: undefined } : `${voting.join(", ")} vote`;
  });
}

/** Who is what, as the status says. */
export async function rolesOf(ref: ClusterRef): Promise<Record<string, string>> {
  const { status } = (await readCluster(ref)) ?? {};
  return Object.fromEntries((status?.members ?? []).map(({ name, role }) => [name, role]));
}
