/** The follower's side of a heartbeat. */
import { leftAfter } from "./silence";
import { configNewer, containsText } from "./standing";
import { tend } from "./recovery";
import { chain, deadline, follower, isDataVoter, isVoter, joined, persist, send, stay, verb } from "./state";
import { enterTerm, rearmElection } from "./term";
import type { Action, Durable, Follower, Heartbeat, Input, State, Step } from "./types";

export function onHeartbeat(state: State, heartbeat: Heartbeat, input: Input): Step {
  if (!sameCluster(state, heartbeat)) return stay(state);
  if (heartbeat.term < state.durable.term) return [state, [reply(state, heartbeat)]];
  return chain(
    enterTerm(state, heartbeat.term, input),
    (now) => persist(now, learnt(now, heartbeat)),
    (now) => heard(now, heartbeat, input),
    (now) => [now, [reply(now, heartbeat), ...look(now, heartbeat)]],
    (now) => tend(now, input),
  );
}

/** A member of no cluster joins the one its intent names: as a learner, or as the voter a lost `bootstrap` made it. */
function sameCluster({ durable, intent }: State, { clusterId, config }: Heartbeat): boolean {
  if (durable.clusterId !== "") return true; // Others were refused by `step`.
  return intent?.clusterId === clusterId && config.term > 0;
}

/** What a heartbeat teaches for good. */
function learnt({ durable }: State, { clusterId, config, knownUuids }: Heartbeat): Partial<Durable> {
  const newer = configNewer(config, durable.config);
  return {
    clusterId,
    ...(newer ? { config, left: leftAfter(durable, config) } : {}),
    knownUuids: joined(durable.knownUuids, knownUuids),
  };
}

function heard(state: State, heartbeat: Heartbeat, input: Input): Step {
  const { role } = state;
  if (role.role === "leader") throw new Error(`bug: two leaders in term ${heartbeat.term}`);
  const known: Follower =
    role.role === "follower" && role.leader === heartbeat.from ? role : follower(heartbeat.from);
  const next: State = {
    ...state,
    role: { ...known, heard: heartbeat, heardAt: known.heardAt ?? input.now, answeredAt: input.now },
    ballot: undefined,
    cause: undefined,
    preVotes: [],
  };
  // A learner that hears no leader any more says hello to the next.
  const hello = isVoter(next) ? undefined : input.now + 2 * next.tuning.electionMaxMs;
  return stay(rearmElection(deadline(next, { hello, recover: undefined }), input));
}

/** The leader waits for a marker that this member may hold by now. */
function look(state: State, { marker }: Heartbeat): Action[] {
  const { role, received, mysqld } = state;
  const follows = role.role === "follower" && role.follow === "done" && mysqld === "running";
  if (!follows || marker === undefined || containsText(received, marker)) return [];
  return [verb(state, { verb: "readReceived" })];
}

/** The set was read because of a marker: the answer cannot wait for the next heartbeat. */
export function tellMarker(state: State): Step {
  const { role, received } = state;
  const marker = role.role === "follower" ? role.heard?.marker : undefined;
  return marker !== undefined && containsText(received, marker) ? tellReceiving(state) : stay(state);
}

/** This member has left the configuration and acknowledges no more. */
export const tellSilence = (state: State): Step =>
  isDataVoter(state) || state.acknowledging ? stay(state) : tellReceiving(state);

function reply(state: State, { from, round }: Heartbeat) {
  const { durable, role, received, health, acknowledging } = state;
  const receiving = role.role === "follower" && role.follow === "done" ? durable.term : 0;
  return send(state, from, {
    type: "heartbeatReply",
    term: durable.term,
    round,
    receiving,
    received,
    health,
    abstain: durable.abstain,
    serverUuids: durable.serverUuids,
    configTerm: durable.config?.term ?? 0,
    configVersion: durable.config?.version ?? 0,
    acknowledging,
    dataless: state.dataless,
  });
}

/** Tells the leader at once that the receiver runs: its barrier waits for it. */
export function tellReceiving(state: State): Step {
  const { role } = state;
  return role.role === "follower" && role.heard !== undefined
    ? [state, [reply(state, role.heard)]]
    : stay(state);
}
