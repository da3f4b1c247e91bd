/** What the core tells, as Kubernetes events (reasons: api.md, Vocabulary). Pure. */
import { instanceOf } from "../names";
import type { Told } from "../raft/types";
import type { Note } from "./board";

/** GTID sets of a long history would not fit into an event (1024 characters); the log has them whole. */
const GTIDS_MAX = 400;

/** The event for `told` by `instance`; undefined for what only the log is told. */
export function noteOf(told: Told, instance: string): Note | undefined {
  switch (told.what) {
    case "PrimaryElected":
      return normal("PrimaryElected", `${instance} is the primary of term ${told.term} (${told.reason})`);
    case "SwitchedOver":
      return normal("SwitchedOver", `${instance} took over as primary in term ${told.term} (${told.reason})`);
    case "FailedOver":
      return warning("FailedOver", `${instance} took over as primary in term ${told.term} (${told.reason})`);
    case "Fenced":
      return warning("Fenced", `${instance} no longer takes writes, term ${told.term}: ${told.reason}`);
    case "Rewound":
      return warning(
        "Rewound",
        `${instance} cut off transactions nobody had acknowledged: ${short(told.gtids)}`,
      );
    case "TransactionsDiscarded":
      return warning("TransactionsDiscarded", `${instance} discarded ${short(told.gtids)}`);
    case "Diverged":
      return warning(
        "Diverged",
        `${instance} holds transactions the primary lacks and that no crash explains: ${short(told.gtids)}`,
      );
    case "Cloned":
      return normal("Cloned", clonedMessage(instance, instanceOf(told.donor), told.gtids));
    case "MemberJoined":
      return normal("MemberJoined", `${instanceOf(told.member)} joined the cluster in term ${told.term}`);
    case "MemberRemoved":
      return normal(
        "MemberRemoved",
        `${instanceOf(told.member)} left the configuration in term ${told.term}`,
      );
    case "Recovered":
      return warning(
        "Recovered",
        `${instance} goes on alone as cluster ${told.clusterId}: what only the lost members of ${told.former} held is given up`,
      );
    case "VerbFailed":
      return undefined; // Tried again; the log says it, and the metrics count it.
  }
}

function clonedMessage(instance: string, donor: string, gtids: string): string {
  const discarded = gtids === "" ? "" : `, discarding ${short(gtids)}`;
  return `${instance} took a clone of ${donor}'s data${discarded}`;
}

function short(gtids: string): string {
  if (gtids === "") return "nothing";
  return gtids.length <= GTIDS_MAX ? gtids : `${gtids.slice(0, GTIDS_MAX)}...`;
}

const normal = (reason: string, message: string): Note => ({ type: "Normal", reason, message });
const warning = (reason: string, message: string): Note => ({ type: "Warning", reason, message });
