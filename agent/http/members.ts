/** How the leader sees the others, and the change of the configuration under way, for people and the controller. Pure. */
import type { MembershipChange, PeerStatus } from "../../api/agent";
import { instanceOf } from "../names";
import { changeWaitsFor } from "../raft";
import type { MemberId, State } from "../raft/types";

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
  return { kind, member, stage, since: at, waitsFor: changeWaitsFor(role.change) };
}
