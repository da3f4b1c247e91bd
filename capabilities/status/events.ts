/** Events that a change of the status tells; the agents tell of elections themselves. Pure. */
import type { EventReason } from "../../api/events";
import type { Observed } from "../context";
import type { Status } from "./status";

export interface ClusterEvent {
  readonly reason: EventReason;
  readonly message: string;
}

/** What happened between two statuses. */
export function eventsOf(before: Status | undefined, after: Status, observed: Partial<Observed>): ClusterEvent[] {
  const condition = (status: Status | undefined, type: string) => status?.conditions?.find((one) => one.type === type);
  const events: ClusterEvent[] = (observed.tls?.renewed ?? []).map((secret) => ({
    reason: "CertificateRenewed",
    message: `Made a new certificate in Secret ${secret}.`,
  }));
  const [was, is] = [condition(before, "Stalled"), condition(after, "Stalled")];
  if (is?.reason === "Refused" && (was?.reason !== "Refused" || was.message !== is.message)) {
    events.push({ reason: "Refused", message: is.message });
  }
  const quorum = condition(after, "Available");
  if (after.phase === "NoQuorum" && before?.phase !== "NoQuorum") {
    events.push({ reason: "QuorumLost", message: quorum?.message ?? "Too few voters answer." });
  }
  if (before?.phase === "NoQuorum" && (after.phase === "Ready" || after.phase === "Degraded")) {
    const message = `${after.primary ?? "A primary"} takes writes again in term ${after.term ?? 0}.`;
    events.push({ reason: "QuorumRegained", message });
  }
  return events;
}
