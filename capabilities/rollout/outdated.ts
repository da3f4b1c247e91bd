/** Which pods are not what the spec asks for. Pure. */
import { restartNeeded } from "../config/changes";
import type { ObservedInstance } from "../context";

/** Why the pod must be restarted, in words; undefined = it need not be, or there is no pod to restart. */
export function outdated({ target, pod }: Pick<ObservedInstance, "target" | "pod">): string | undefined {
  if (!target || !pod) return undefined;
  const options = target.options && pod.startedWith ? restartNeeded(pod.startedWith, target.options) : [];
  // A pod of a release without revisions is taken as it is: an upgrade of ours restarts nothing.
  const isOld = pod.revision !== undefined && pod.revision !== target.revision;
  const why = [...(isOld ? [`pod template ${pod.revision} -> ${target.revision}`] : []), ...options];
  return why.length === 0 ? undefined : why.join(", ");
}
