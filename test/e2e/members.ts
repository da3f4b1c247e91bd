/** Clusters whose members come and go: waits on the status, as an operator would look at it, and on the leader. */
import { readMembers, readCluster, readPods, readSecret, type ClusterRef } from "../../bench/cluster";
import { primaryOf } from "../../bench/view";
import { waitFor } from "../../bench/waits";
import type { MemberStatus } from "../../api/agent";
import { instanceHost, instanceOfMember, names } from "../../api/names";
import { HttpAgents } from "../../capabilities/members/agents";
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

/** A planned switchover, as the controller asks for it. @throws with the leader's reason, after half a minute of asking. */
export async function switchTo(ref: ClusterRef, to: string): Promise<void> {
  const { namespace, name } = ref;
  const secret = await readSecret(namespace, names.agentSecret(name));
  const credentials = {
    certificate: secret["tls.crt"] ?? "",
    key: secret["tls.key"] ?? "",
    authority: secret["ca.crt"] ?? "",
  };
  const agents = new HttpAgents();
  await waitFor(`${to} primary`, { deadlineMs: 30_000, everyMs: 500 }, async () => {
    const leader = await leaderOf(ref).catch(() => undefined);
    if (leader?.name === to) return { value: undefined };
    const ip = (await readPods(ref)).find(({ instance }) => instance === leader?.name)?.ip;
    if (!leader || ip === undefined) return "nobody is primary";
    const address = { ip, host: instanceHost(name, leader.name, namespace) };
    const answer = await agents.transfer(address, credentials, { to, reason: "a test asks for it" });
    return answer.accepted ? `${leader.name} hands over` : answer.reason;
  });
}

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
