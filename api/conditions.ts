/** The conditions of a MySQLCluster (api.md, Conditions): one vocabulary for the controller, its tests and the docs. */

/** Condition type → its reasons when it is bad. Ready carries the first bad condition's reason. */
export const CONDITIONS = {
  Ready: [],
  Available: ["NoPrimary", "NoQuorum", "Fenced", "ReadOnly", "Stopped"],
  FaultTolerant: ["NoSpareVoter", "TwoVoters", "SingleInstance", "LossyAsync"],
  Replicating: ["Lagging", "Broken", "Diverged"],
  ConfigApplied: ["RestartPending", "WindowPending", "Rejected"],
  StorageHealthy: ["Filling", "Full", "GrowFailed"],
  Recoverable: ["NoStore", "ArchiveGap", "ArchiveLate", "BackupOverdue", "BackupFailed"],
  TLSValid: ["Expiring", "Expired", "SecretMissing", "IssuerFailed"],
  Supported: ["VersionEnding", "VersionEnded"],
  Reconciling: ["Creating", "Scaling", "Updating", "Growing", "Restoring", "Promoting"],
  Stalled: ["Refused", "QuotaExceeded", "Unschedulable", "ImagePull", "AgentUnreachable"],
} as const;

export type ConditionType = keyof typeof CONDITIONS;
type BadReason = (typeof CONDITIONS)[ConditionType][number];

/** The reason of a condition in its good state: Kubernetes wants one word always. */
export const GOOD = "AsExpected";
export type Reason = BadReason | typeof GOOD;

/** True is bad news for these two (kstatus' convention); False is for the rest. */
export const BAD_WHEN_TRUE: readonly ConditionType[] = ["Reconciling", "Stalled"];

export interface Condition {
  readonly type: ConditionType;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: Reason;
  /** A sentence; says what was seen and, when bad, what will happen next. */
  readonly message: string;
  readonly observedGeneration?: number;
  /** RFC 3339. */
  readonly lastTransitionTime: string;
}

/** A condition as decided, without its time. */
export type Observed = Omit<Condition, "lastTransitionTime">;

/**
 * The list with this condition in it: its time is `now` (RFC 3339) only where the status changed, and a condition
 * that says what it said before leaves the list as it was, so that a status write can be skipped.
 */
export function setCondition(
  conditions: readonly Condition[],
  observed: Observed,
  now: string,
): readonly Condition[] {
  const at = conditions.findIndex(({ type }) => type === observed.type);
  const before = conditions[at];
  const lastTransitionTime = before?.status === observed.status ? before.lastTransitionTime : now;
  const next: Condition = { ...observed, lastTransitionTime };
  if (before === undefined) return [...conditions, next];
  if (same(before, next)) return conditions;
  return conditions.map((condition, i) => (i === at ? next : condition));
}

/** Whether the condition tells of something wrong or unfinished; Unknown is not known to be good. */
export function isBad({ type, status }: Pick<Condition, "type" | "status">): boolean {
  return BAD_WHEN_TRUE.includes(type) ? status === "True" : status !== "True";
}

function same(a: Condition, b: Condition): boolean {
  return (
    a.status === b.status &&
    a.reason === b.reason &&
    a.message === b.message &&
    a.observedGeneration === b.observedGeneration
  );
}
