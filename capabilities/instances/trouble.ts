/** Why a pod does not run, in Kubernetes' own words. Pure. */
import type { V1Pod } from "@kubernetes/client-node";

export interface PodTrouble {
  /** Of api.md's Stalled: Unschedulable, ImagePull; else Kubernetes' reason. */
  readonly reason: string;
  readonly message: string;
}

/** Waiting reasons that pass by themselves. */
const PASSING = new Set(["ContainerCreating", "PodInitializing"]);

/** undefined while nothing stands in the pod's way. */
export function podTrouble(pod: Pick<V1Pod, "status">): PodTrouble | undefined {
  const { conditions = [], containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  const scheduled = conditions.find(({ type }) => type === "PodScheduled");
  if (scheduled?.status === "False")
    return { reason: "Unschedulable", message: scheduled.message ?? "no node fits" };
  const waiting = [...initContainerStatuses, ...containerStatuses]
    .map((container) => container.state?.waiting)
    .find((state) => state?.reason !== undefined && !PASSING.has(state.reason));
  if (waiting?.reason === undefined) return undefined;
  const reason = /ImagePull|InvalidImageName|ErrImage/.test(waiting.reason) ? "ImagePull" : waiting.reason;
  return { reason, message: waiting.message ?? waiting.reason };
}
