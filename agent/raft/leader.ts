/** The leader: victory, heartbeats, the lease, the configuration it stamps. */
import { electionQuorum } from "../../api/quorum";
import { retire } from "./transfer";
import { fullK } from "./candidates";
import { steer } from "./membership";
import { advance } from "./promotion";
import {
  audience,
  chain,
  deadline,
  envelope,
  isVoter,
  joined,
  nameOf,
  observe,
  otherVoters,
  persist,
  send,
  stay,
  verb,
  votersOf,
} from "./state";
import { enterTerm } from "./term";
import type {
  Action,
  Candidate,
  Cause,
  Heartbeat,
  HeartbeatReply,
  Input,
  Leader,
  MemberId,
  Peer,
  State,
  Step,
} from "./types";

/** Rounds whose sending time is kept: a reply later than that proves nothing worth having. */
const ROUNDS_KEPT = 64;

const REASONS: Readonly<Record<Cause, string>> = {
  "leader-silent": "the leader was silent",
  "mysqld-died": "the leader's mysqld died",
  stalled: "the leader could not go on",
  transfer: "the leader handed over",
};

/** A majority voted: heartbeat at once, and drain what was received (agent.md, Promotion). */
export function becomeLeader(state: State, { standing, cause, since }: Candidate, input: Input): Step {
  const { term, config } = state.durable;
  const role: Leader = {
    role: "leader",
    phase: "draining",
    electedSet: standing?.received ?? "",
    electedAt: input.now,
    electionStartedAt: since,
    round: 0,
    rounds: [],
    leaseUntil: -Infinity,
    peers: {},
    markers: 0,
    excluding: [],
    shut: [],
    excluded: [],
    admitting: [],
    failures: 0,
    givenUp: 0,
    reason: REASONS[cause],
    cause,
  };
  const stamped = config === undefined ? undefined : { ...config, term, k: fullK(config) };
  return chain(
    // The tail begins: until it follows someone, what this member writes may be its alone.
    persist(state, { ledTerm: term, tail: true, config: stamped }),
    (now) => [
      {
        ...deadline(now, { election: undefined, recover: undefined, lease: leaseEnd(role, -Infinity, now) }),
        role,
        preVotes: [],
        ballot: undefined,
      },
      [],
    ],
    (now) => beat(now, input),
    (now) => [now, [verb(now, { verb: "drain" })]],
  );
}

/** One round of heartbeats; sets the time of the next. */
export function beat(state: State, input: Input): Step {
  const { role } = state;
  if (role.role !== "leader") return stay(state);
  const round = role.round + 1;
  const rounds = [...role.rounds, { round, sentAt: input.now }].slice(-ROUNDS_KEPT);
  const next = deadline(
    { ...state, role: { ...role, round, rounds } },
    { heartbeat: input.now + state.tuning.heartbeatMs },
  );
  const message = heartbeat(next, round);
  const known = audience(next);
  const sends = known.map((to) => send(next, to, message));
  const calls = strangers(next, known).map(
    (to): Action => ({ do: "sendByName", to, message: envelope(next, message) }),
  );
  return chain([next, [...sends, ...calls]], (now) => renewLease(now, input));
}

/** Wanted, and not known by their ids: one that has just come, or that was away when it left or was left behind. */
function strangers({ intent, durable }: State, known: readonly MemberId[]): readonly string[] {
  if (intent?.clusterId !== durable.clusterId) return [];
  const names = [durable.memberId, ...known].map(nameOf);
  return intent.members.map(({ name }) => name).filter((name) => !names.includes(name));
}

function heartbeat(state: State, round: number): Omit<Heartbeat, "clusterId" | "from"> {
  const { durable, serverUuid } = state;
  const role = state.role as Leader;
  if (durable.config === undefined) throw new Error("bug: a leader without a configuration");
  return {
    type: "heartbeat",
    term: durable.term,
    round,
    config: durable.config,
    electedSet: role.electedSet,
    marker: role.change?.marker,
    serverUuid,
    receivable: !["draining", "arming"].includes(role.phase),
    open: role.phase === "open",
    knownUuids: knownUuids(state),
    donor: donorOf(state, role),
  };
}

const knownUuids = ({ durable }: State): readonly string[] => joined(durable.knownUuids, durable.serverUuids);

/** A healthy follower carries a clone's load better than the leader. */
function donorOf({ durable }: State, { peers }: Leader): MemberId {
  const fit = Object.values(peers).filter(
    (peer) =>
      peer.receiving === durable.term &&
      !peer.abstain &&
      peer.health?.serving &&
      durable.config?.voters.includes(peer.id),
  );
  return fit.sort((a, b) => (a.health?.lagMs ?? 0) - (b.health?.lagMs ?? 0))[0]?.id ?? durable.memberId;
}

export function onHeartbeatReply(state: State, reply: HeartbeatReply, input: Input): Step {
  const { role, durable } = state;
  if (reply.term > durable.term) return stepAside(state, reply, input);
  if (role.role !== "leader" || reply.term < durable.term) return stay(state);
  if (reply.round < (role.peers[reply.from]?.round ?? 0)) return stay(state); // Overtaken by a later one.
  const peers = { ...role.peers, [reply.from]: peerOf(role, reply) };
  const heard: State = { ...state, role: { ...role, peers } };
  // A heartbeat meant for the volume its instance had before has found it.
  const next = votersOf(state).includes(reply.from) ? heard : observe(heard, reply.from, reply.dataless);
  return chain(
    persist(next, { knownUuids: joined(durable.knownUuids, reply.serverUuids) }),
    (now) => renewLease(now, input),
    (now) => steer(now, input),
    (now) => advance(now, input),
  );
}

/** What the leader knows of a member after its answer of this term. */
function peerOf({ rounds, peers }: Leader, reply: HeartbeatReply): Peer {
  const { from: id, round, receiving, received, abstain, health, term } = reply;
  const { configTerm, configVersion, acknowledging } = reply;
  const sentAt = rounds.find((one) => one.round === round)?.sentAt ?? -Infinity;
  const { answeredAt = -Infinity, followedAt = -Infinity } = peers[id] ?? {};
  return {
    ...{ id, round, receiving, received, abstain, health, configTerm, configVersion, acknowledging },
    answeredAt: Math.max(sentAt, answeredAt),
    followedAt: receiving === term ? Math.max(sentAt, followedAt) : followedAt,
  };
}

/**
 * Only the term of a voter counts, or of one that is wanted: it cannot follow a leader of a lower term. A stranger must
 * not depose a leader.
 */
function stepAside(state: State, reply: HeartbeatReply, input: Input): Step {
  const known = votersOf(state).includes(reply.from) || isWanted(state, reply.from);
  return state.role.role === "leader" && known ? enterTerm(state, reply.term, input) : stay(state);
}

const isWanted = ({ observers, intent }: State, id: MemberId): boolean =>
  observers.some((one) => one.id === id) &&
  (intent?.members.some(({ name }) => name === nameOf(id)) ?? false);

/** The lease counts from the sending of the newest round that a majority of the voters answered (I7). */
function renewLease(state: State, input: Input): Step {
  const { role, tuning } = state;
  if (role.role !== "leader") return stay(state);
  const answered = otherVoters(state).map((id) => role.peers[id]?.answeredAt ?? -Infinity);
  if (isVoter(state)) answered.push(input.now);
  const byMajority = answered.sort((a, b) => b - a)[electionQuorum(votersOf(state).length) - 1] ?? -Infinity;
  const leaseUntil = Math.max(role.leaseUntil, byMajority + tuning.leaseMs);
  if (leaseUntil === role.leaseUntil) return stay(state);
  const next = deadline(
    { ...state, role: { ...role, leaseUntil } },
    { lease: leaseEnd(role, leaseUntil, state) },
  );
  return [next, state.writable ? [{ do: "lease", until: leaseUntil }] : []];
}

/** A fresh leader has an election timeout to hear its first majority. */
const leaseEnd = (role: Leader, leaseUntil: number, { tuning }: State): number =>
  Math.max(leaseUntil, role.electedAt + tuning.electionMinMs);

/** The lease has run out: step down, silently, for good. */
export function onLeaseEnd(state: State, input: Input): Step {
  const { role } = state;
  if (role.role !== "leader") return stay(deadline(state, { lease: undefined }));
  const end = leaseEnd(role, role.leaseUntil, state);
  if (input.now < end) return stay(deadline(state, { lease: end }));
  return retire(state, { cause: "stalled", reason: "no majority answered its heartbeats in time" }, input);
}
