/** Known ways to be wrong about membership, witness and recovery (mutants.ts runs them). */
import * as raft from "../../agent/raft";
import type { Event, HeartbeatReply, State } from "../../agent/raft";
import { acknowledgements } from "../../api/quorum";
import { formatGtidSet, parseGtidSet, unionGtid } from "../../api/gtid";
import type { Core } from "./agent";

/** The real core, its state or event changed before each step. */
export const before = (change: (state: State, event: Event) => readonly [State, Event]): Core => ({
  ...raft,
  step: (state, event, input) => raft.step(...change(state, event), input),
});

/** The real core, its new state changed after each step; what it persists goes along. */
const after = (change: (old: State, next: State, event: Event) => State): Core => ({
  ...raft,
  step: (old, event, input) => {
    const [next, actions] = raft.step(old, event, input);
    const changed = change(old, next, event);
    if (changed.durable === next.durable) return [changed, actions];
    return [
      changed,
      actions.map((action) => (action.do === "persist" ? { ...action, durable: changed.durable } : action)),
    ];
  },
});

const replyOf = (event: Event): HeartbeatReply | undefined =>
  event.type === "message" && event.message.type === "heartbeatReply" ? event.message : undefined;

const withReply = (event: Event, change: Partial<HeartbeatReply>): Event =>
  event.type === "message" && event.message.type === "heartbeatReply"
    ? { ...event, message: { ...event.message, ...change } }
    : event;

/** Whoever answers passes for one that has the leader's configuration on disk. */
export const changesUnsettled = before((state, event) => {
  const { config } = state.durable;
  if (config === undefined || state.role.role !== "leader") return [state, event];
  return [state, withReply(event, { configTerm: config.term, configVersion: config.version })];
});

/** Whoever follows passes for one that holds the marker. */
export const addsWithoutHolders = before((state, event) => {
  const marker = state.role.role === "leader" ? state.role.change?.marker : undefined;
  const reply = replyOf(event);
  if (marker === undefined || reply === undefined) return [state, event];
  const received = formatGtidSet(unionGtid(parseGtidSet(reply.received), parseGtidSet(marker)));
  return [state, withReply(event, { received })];
});

/** The configuration says fewer acknowledgements as soon as the voter is out of it. */
export const lowersFirst = after((old, next) => {
  const { config } = next.durable;
  if (config === undefined || next.role.role !== "leader" || config === old.durable.config) return next;
  const k = acknowledgements(config.voters.length, config.voters.length - config.witnesses.length);
  if (config.k <= k) return next;
  const role = { ...next.role, change: undefined };
  return { ...next, role, durable: { ...next.durable, config: { ...config, k } } };
});

/** Who left is forgotten at once. */
export const forgetsWhoLeft = after((_old, next) =>
  next.durable.left.length === 0 ? next : { ...next, durable: { ...next.durable, left: [] } },
);

/** Two at once, when two are there. */
export const addsTwoAtOnce = after((old, next) => {
  const [was, config] = [old.durable.config, next.durable.config];
  const grown = was !== undefined && config !== undefined && config.voters.length === was.voters.length + 1;
  if (!grown || next.role.role !== "leader" || old.role.role !== "leader") return next;
  const more = next.observers.find(({ id, dataless }) => !dataless && next.durable.memberId !== id);
  if (more === undefined) return next;
  return {
    ...next,
    durable: { ...next.durable, config: { ...config, voters: [...config.voters, more.id] } },
  };
});

/** A witness has nothing to compare, and compares nothing. */
export const witnessGrantsAll = before((state, event) => {
  if (!state.dataless || event.type !== "message") return [state, event];
  const { message } = event;
  if (message.type !== "vote" && message.type !== "preVote") return [state, event];
  const { config } = state.durable;
  if (config === undefined) return [state, event];
  const flattered = { ...message, configTerm: config.term, configVersion: config.version };
  const voters = [...new Set([...config.voters, message.from])]; // As if it knew the older configuration only.
  const durable = { ...state.durable, config: { ...config, voters } };
  return [
    { ...state, durable },
    { ...event, message: flattered },
  ];
});

/** The one that goes on alone calls itself the cluster it was. */
export const recoversUnderTheOldId = after((old, next, event) => {
  if (event.type !== "recover" || next.durable === old.durable) return next;
  return {
    ...next,
    durable: { ...next.durable, clusterId: old.durable.clusterId, former: old.durable.former },
  };
});

/** A new leader knows nothing of who left before its term. */
export const forgetsWhoLeftByTerms = after((old, next) => {
  const won = next.role.role === "leader" && old.role.role !== "leader";
  return won ? { ...next, durable: { ...next.durable, left: [] } } : next;
});
