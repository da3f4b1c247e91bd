/** One member as people and the controller see it. Pure: state, mysqld's snapshot and figures in, MemberStatus out. */
import type { Intent, MemberStatus, MysqldState } from "../../api/agent";
import { electionQuorum } from "../../api/quorum";
import type { History } from "../history";
import type { MysqldSnapshot } from "../mysql/port";
import { instanceOf } from "../names";
import type { State } from "../raft/types";
import { changeOf, peersOf } from "./members";
import { phaseSentence } from "./phase";
import { isReady, memberRole, type Moment } from "./serving";

export interface StatusInput extends Moment {
  /** The same moment as `now`, in ms since 1970. */
  readonly wall: number;
  readonly instance: string;
  readonly agentVersion: string;
  readonly snapshot: MysqldSnapshot;
  readonly history: History;
  readonly intent?: Intent;
  /** Why the controller's present intent is not for this volume. */
  readonly foreign?: string;
  readonly disk?: MemberStatus["disk"];
  readonly pid: number;
  readonly rssBytes: number;
  readonly supervisorRssBytes?: number;
  readonly bundle?: MemberStatus["bundle"];
}

/** The status of this member at `input.now`. */
export function memberStatus(input: StatusInput): MemberStatus {
  const { state, snapshot, history } = input;
  const { durable } = state;
  return {
    name: input.instance,
    memberId: durable.memberId,
    agentVersion: input.agentVersion,
    generation: input.intent?.generation ?? 0,
    epoch: input.intent?.epoch,
    clusterId: durable.clusterId === "" ? undefined : durable.clusterId,
    formerClusterIds: durable.former.length === 0 ? undefined : durable.former,
    role: memberRole(state),
    term: durable.term,
    leader: leaderOf(state),
    configuration: configurationOf(state),
    membership: changeOf(state, input.now, input.wall),
    peers: peersOf(state, input.now),
    ready: isReady(input),
    phase: input.foreign ?? phaseSentence(state, { lagMs: snapshot.lagMs, delayMs: input.delayMs }),
    mysqld: mysqldState(state),
    mysqlVersion: snapshot.version,
    serverUuid: snapshot.serverUuid,
    executed: snapshot.executed,
    received: snapshot.received,
    lagMs: state.role.role === "leader" ? undefined : snapshot.lagMs,
    errant: durable.quarantined,
    quorum: quorumOf(input),
    lastFailover: lastFailover(history),
    discarded: history.discarded,
    disk: input.disk,
    pid: { mysqld: snapshot.pid, agent: input.pid },
    rssBytes: { agent: input.rssBytes, supervisor: input.supervisorRssBytes },
    delayMs: (input.delayMs ?? 0) > 0 ? input.delayMs : undefined,
    bundle: input.bundle,
  };
}

function leaderOf({ role, durable }: State): string | undefined {
  if (role.role === "leader") return durable.memberId;
  return role.role === "follower" ? role.leader : undefined;
}

function configurationOf({ durable }: State): MemberStatus["configuration"] {
  if (!durable.config) return undefined;
  const { term, version, voters, witnesses, k } = durable.config;
  return { term, version, voters, witnesses, k };
}

function mysqldState(state: State): MysqldState {
  const first = state.durable.config === undefined && state.mysqld === "starting" && state.serverUuid === "";
  return first ? "initialising" : state.mysqld;
}

/** Only the leader hears from all; a follower does not guess. */
function quorumOf({ state, now }: Moment): MemberStatus["quorum"] {
  const { role, durable, tuning } = state;
  if (role.role !== "leader" || !durable.config) return undefined;
  const voters = durable.config.voters;
  const fresh = (id: string): boolean =>
    id === durable.memberId || (role.peers[id]?.answeredAt ?? -Infinity) > now - tuning.electionMinMs;
  return { voters: voters.length, needed: electionQuorum(voters.length), alive: voters.filter(fresh).length };
}

function lastFailover({ lastFailover }: History): MemberStatus["lastFailover"] {
  if (!lastFailover) return undefined;
  const { from, to } = lastFailover;
  return { ...lastFailover, from: from === undefined ? undefined : instanceOf(from), to: instanceOf(to) };
}
