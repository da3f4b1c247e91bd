/** Events that a change of the status tells; the agents tell of elections themselves. Pure. */
import type { EventReason } from "../../api/events";
import { names } from "../../api/names";
import type { Observed } from "../context";
import type { Status } from "./status";

export interface ClusterEvent {
  readonly reason: EventReason;
  readonly message: string;
}

/** What happened between two statuses. */
export function eventsOf(
  before: Status | undefined,
  after: Status,
  observed: Partial<Observed>,
): ClusterEvent[] {
  return [
    ...renewals(observed),
    ...refusal(before, after),
    ...quorum(before, after),
    ...departures(observed),
    ...restarts(observed),
  ];
}

function departures({ retirement }: Partial<Observed>): ClusterEvent[] {
  return (retirement?.removed ?? []).map(({ name, volume }) => {
    const fate = volume === "retain" ? "stays" : "goes with it";
    return {
      reason: "MemberRemoved",
      message: `${name} is removed: nobody counts on it any more. Its volume ${names.dataVolume(name)} ${fate}.`,
    };
  });
}

function restarts({ rollout }: Partial<Observed>): ClusterEvent[] {
  if (!rollout?.restarted) return [];
  const { name, why } = rollout.restarted;
  return [{ reason: "Restarted", message: `Restarts ${name}: ${why}.` }];
}

function renewals({ tls }: Partial<Observed>): ClusterEvent[] {
  return (tls?.renewed ?? []).map((secret) => ({
    reason: "CertificateRenewed",
    message: `Made a new certificate in Secret ${secret}.`,
  }));
}

/** Once for each sentence, not at each run. */
function refusal(before: Status | undefined, after: Status): ClusterEvent[] {
  const [was, is] = [condition(before, "Stalled"), condition(after, "Stalled")];
  if (is?.reason !== "Refused") return [];
  const isTold = was?.reason === "Refused" && was.message === is.message;
  return isTold ? [] : [{ reason: "Refused", message: is.message }];
}

function quorum(before: Status | undefined, after: Status): ClusterEvent[] {
  const [was, is] = [before?.phase, after.phase];
  if (is === "NoQuorum" && was !== "NoQuorum") {
    return [
      { reason: "QuorumLost", message: condition(after, "Available")?.message ?? "Too few voters answer." },
    ];
  }
  const isBack = was === "NoQuorum" && (is === "Ready" || is === "Degraded");
  if (!isBack) return [];
  return [
    {
      reason: "QuorumRegained",
      message: `${after.primary ?? ""} takes writes again in term ${after.term ?? 0}.`,
    },
  ];
}

function condition(status: Status | undefined, type: string) {
  return status?.conditions?.find((one) => one.type === type);
}
