/** Asks every agent for its status and tells it the intent when it holds an older one. */
import type { Intent, MemberStatus } from "../../api/agent";
import { instanceHost } from "../../api/names";
import type { Context, Observed, ObservedInstance } from "../context";
import type { AgentAddress, Credentials } from "./agents";
import { intentOf, isBehind, onlineConfigOf } from "./intent";

/** Pods come and go; the memory of the gone ones is not worth keeping. */
const TOLD_MAX = 10_000;

/** Comes after tls and instances. An agent that does not answer is a finding, no error. */
export async function reconcileMembers(context: Context): Promise<Partial<Observed>> {
  const { credentials, instances = [] } = context.observed;
  if (!credentials) return {};
  const common = intentOf(context);
  const observe = async (instance: ObservedInstance): Promise<ObservedInstance> => {
    const intent = { ...common, onlineConfig: onlineConfigOf(context.cluster, instance) };
    const member = await observeMember(context, credentials, { instance, intent });
    return member ? { ...instance, member } : instance;
  };
  return { instances: await Promise.all(instances.map(observe)) };
}

/** Where an instance's agent answers; undefined while its pod has no address. */
export function addressOf(
  { name, namespace }: Pick<Context, "name" | "namespace">,
  instance: Pick<ObservedInstance, "name" | "pod">,
): AgentAddress | undefined {
  const ip = instance.pod?.ip ?? "";
  return ip === "" ? undefined : { ip, host: instanceHost(name, instance.name, namespace) };
}

async function observeMember(
  context: Context,
  credentials: Credentials,
  { instance, intent }: { readonly instance: ObservedInstance; readonly intent: Intent },
): Promise<MemberStatus | undefined> {
  const { agents, told } = context;
  const { uid = "" } = instance.pod ?? {};
  const address = addressOf(context, instance);
  if (address === undefined) return undefined;
  const ask = (): Promise<MemberStatus> => agents.status(address, credentials);
  // One lost second on a busy machine is no finding; two are. An agent that is gone refuses both at once.
  const member = await ask()
    .catch(ask)
    .catch(() => undefined);
  if (member === undefined || !mustTell(member, intent, told.get(uid))) return member;
  try {
    await agents.putIntent(address, credentials, intent);
    if (told.size > TOLD_MAX) told.clear();
    told.set(uid, JSON.stringify(intent));
  } catch {
    told.delete(uid); // The next run tells it again; what it said of itself counts.
  }
  return member;
}

/** Pure. The agent lacks this intent, or we do not know that it has it. */
export function mustTell(
  member: Pick<MemberStatus, "epoch" | "generation">,
  intent: Intent,
  last: string | undefined,
): boolean {
  return isBehind(member, intent) || last !== JSON.stringify(intent);
}
