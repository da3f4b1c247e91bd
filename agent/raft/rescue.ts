/**
 * Recovery from the loss of the majority: one member goes on alone, as another cluster (agent.md, Membership). Only a
 * person may ask for it. The new cluster id voids whatever the lost members say if they come back; they learn from the
 * intent that their cluster is a former one, give up their data and are cloned.
 */
import { filterGtid, formatGtidSet, parseGtidSet, subtractGtid, type GtidText } from "../../api/gtid";
import { markersOf } from "./standing";
import { chain, deadline, follower, nameOf, persist, stay, verb } from "./state";
import { fence, leaderIsAlive, resign, standSoon } from "./term";
import type { Configuration, Event, Heartbeat, Input, State, Step } from "./types";

/** Why this member cannot go on alone, as a sentence for people; undefined = it can. `now`: monotonic ms. */
export function recoveryRefusal(state: State, now: number): string | undefined {
  const { durable, role } = state;
  const name = nameOf(durable.memberId);
  if (state.dataless) return `${name} is a witness: it holds no data`;
  if (durable.clusterId === "" || durable.config === undefined) return `${name} belongs to no cluster yet`;
  if (durable.cloning) return `${name} has no data of its own: its clone is not whole`;
  if (durable.quarantined !== "") return `${name} has diverged: choose another, or rebuild it`;
  if (state.mysqld !== "running") return `mysqld of ${name} does not run (${state.mysqld})`;
  if (role.role === "leader") return `${name} leads: nothing is lost`;
  const heard = role.role === "follower" && role.leader !== undefined;
  return heard && leaderIsAlive(state, 0, { now, chance: 0 })
    ? `${name} hears a leader: nothing is lost`
    : undefined;
}

/** Step two: what only the lost members hold is given up. */
export function onRecover(
  state: State,
  { clusterId }: Extract<Event, { type: "recover" }>,
  input: Input,
): Step {
  const { durable } = state;
  const known = clusterId === durable.clusterId || durable.former.includes(clusterId);
  if (known || recoveryRefusal(state, input.now) !== undefined) return stay(state);
  const term = durable.term + 1;
  const { memberId } = durable;
  const config: Configuration = { term, version: 1, voters: [memberId], witnesses: [], k: 0 };
  const former = [...durable.former, durable.clusterId];
  return chain(
    persist(state, { clusterId, former, term, vote: memberId, config, abstain: false, left: [] }),
    (now) => stay(alone(now)),
    fence,
    (now) => [
      standSoon(now, input),
      [
        verb(now, { verb: "stopReceiver" }),
        { do: "tell", event: { what: "Recovered", clusterId, former: durable.clusterId, term } },
      ],
    ],
  );
}

const alone = (state: State): State => ({
  ...deadline(state, { hello: undefined, recover: undefined }),
  role: follower(),
  ballot: undefined,
  preVotes: [],
  observers: [],
  hellos: {},
});

/** Whether the intent is of the cluster that this member's has become: this member was lost then. */
export const isSuperseded = (
  { durable }: State,
  { clusterId, former }: Extract<Event, { type: "intent" }>,
): boolean =>
  durable.clusterId !== "" && clusterId !== durable.clusterId && former.includes(durable.clusterId);

/**
 * This member is not of the new cluster: whatever it acknowledged since is given up. It keeps its term (I3); its data is
 * rebuilt from the new leader.
 */
export function joinSuccessor(state: State, clusterId: string, input: Input): Step {
  const { durable, dataless } = state;
  const lost = dataless ? {} : { cloning: true, abstain: true, tail: false, uncut: false };
  return chain(
    resign(state, `the cluster goes on as ${clusterId}, without this member`, input),
    (now) =>
      persist(now, {
        clusterId,
        former: [...durable.former, durable.clusterId],
        config: undefined,
        left: [],
        ...lost,
      }),
    (now) => stay({ ...alone(now), superseded: !dataless }),
    // It serves nobody until it is cloned: fenced as if it were writable.
    (now) => (now.mysqld === "running" ? closed(now) : stay(now)),
  );
}

const closed = (state: State): Step =>
  chain(fence({ ...state, writable: true }), (now) => [now, [verb(now, { verb: "stopReceiver" })]]);

/** What a superseded member holds and the leader of its new cluster lacks. */
export function givenUp({ received }: State, heard: Heartbeat): GtidText {
  const theirs = parseGtidSet(
    `${heard.electedSet},${heard.clusterId}:${heard.term},${markersOf(heard.clusterId, heard.term)}`,
  );
  const beyond = subtractGtid(parseGtidSet(received), theirs);
  return formatGtidSet(filterGtid(beyond, (uuid) => uuid !== heard.serverUuid));
}
