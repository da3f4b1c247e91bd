/** How the leader sees the others, and the change of the configuration under way, for people and the controller. Pure. */
import type { MembershipChange, PeerStatus } from "../../api/agent";
import { instanceOf } from "../names";
import type { Change, MemberId, State } from "../raft/types";

/** Everyone the leader talks to, answering or not; undefined on another member. `now`: monotonic ms. */
export function peersOf({ role, durable, observers }: State, now: number): readonly PeerStatus[] | undefined {
  if (role.role !== "leader" || durable.config === undefined) return undefined;
  const { voters, witnesses } = durable.config;
  const one = (memberId: MemberId, wanted: PeerStatus["role"]): PeerStatus => {
    const peer = role.peers[memberId];
    const answered = peer !== undefined && Number.isFinite(peer.answeredAt);
    return {
      memberId,
      name: instanceOf(memberId),
      role: wanted,
      answeredMsAgo: answered ? Math.max(0, Math.round(now - peer.answeredAt)) : undefined,
      receiving: peer?.receiving === durable.term,
      lagMs: wanted === "witness" ? undefined : peer?.health?.lagMs,
    };
  };
  const others = voters.filter((id) => id !== durable.memberId);
  return [
    ...others.map((id) => one(id, witnesses.includes(id) ? "witness" : "voter")),
    ...observers.filter(({ id }) => !voters.includes(id)).map(({ id }) => one(id, "learner")),
  ];
}

/** The change under way on the leader. `now`: monotonic ms; `wall`: the same moment in ms since 1970. */
export function changeOf({ role }: State, now: number, wall: number): MembershipChange | undefined {
  if (role.role !== "leader" || role.change === undefined) return undefined;
  const { kind, member, stage, since } = role.change;
  const at = new Date(wall - (now - since)).toISOString();
  return { kind, member, stage, since: at, waitsFor: waitsFor(role.change) };
}

/** What the change waits for, as the end of a sentence that begins with "waits for". */
export function waitsFor({ kind, member, stage }: Change): string {
  const name = instanceOf(member);
  switch (stage) {
    case "catchingUp":
      return `${name} to hold nearly all that the primary has`;
    case "raising":
      return "MySQL to wait for more acknowledgements";
    case "holding":
      return kind === "add"
        ? `${name} and the other voters to hold all that was committed`
        : "the remaining voters to hold all that was committed";
    case "spreading":
      return "a majority of the voters to have the new configuration on disk";
    case "silencing":
      return `${name} to acknowledge no more`;
    case "lowering":
      return "MySQL to wait for fewer acknowledgements";
  }
}
