/**
 * Changes of the configuration (agent.md, Membership): the leader compares it with the intent and changes one voter at
 * a time. `steer` is the one place that says what comes next; it looks at what is, not at what was meant to be, and does
 * nothing when nothing is due.
 *
 * Why each rule is there, docs/adr/0002 (membership) tells: a change needs the present configuration, stamped with the
 * own term, on disk at a majority of its voters; nobody who left may go on acknowledging; and what was acknowledged
 * under the old rule must be held by as many as the new one counts on.
 */
import { electionQuorum } from "../../api/quorum";
import { beat } from "./leader";
import { admissible, fits, fullK, removable, surplus, survives } from "./candidates";
import { silence, unsilenced } from "./silence";
import { containsText, markerOf } from "./standing";
import { chain, dataVoters, nameOf, persist, stay, verb } from "./state";
import { retryDelayMs } from "./timing";
import { onTransferToWanted } from "./transfer";
import type {
  Change,
  Configuration,
  Input,
  Leader,
  MemberId,
  Observer,
  Peer,
  State,
  Step,
  VerbName,
} from "./types";

/** An added voter that does not come to hold the marker holds up commits where k was raised for it. */
const ADD_LIMIT_MS = 1_500;

/** After an addition that was given up; doubled each time. */
const ADD_PAUSE_MS = 2_000;
const ADD_PAUSE_MAX_MS = 60_000;

/** What the leader should do next about the configuration. */
export function steer(state: State, input: Input): Step {
  const { role, durable } = state;
  if (role.role !== "leader" || durable.config === undefined || !STEERED.has(role.phase)) return stay(state);
  return chain(silence(state, input), (now) => proceed(now, input));
}

const STEERED: ReadonlySet<Leader["phase"]> = new Set(["gathering", "barrier", "leasing", "open"]);

function proceed(state: State, input: Input): Step {
  const { role, durable } = state;
  if (role.role !== "leader" || durable.config === undefined) return stay(state);
  if (role.acks === undefined || (role.pausedUntil ?? -Infinity) > input.now || !settled(state))
    return stay(state);
  const { config } = durable;
  const lost = lostVoter(state, role, config, input);
  if (lost !== undefined) return remove(withoutChange(state), lost, input);
  if (role.change !== undefined) return continueChange(state, role.change, input);
  if (role.acks !== config.k) return setAcks(state, config.k);
  return role.phase === "open" && unsilenced(state).length === 0 ? nextChange(state, input) : stay(state);
}

/** The configuration, stamped with the own term, is on disk at a majority of its voters. */
export function settled({ role, durable }: State): boolean {
  const { config, memberId, term } = durable;
  if (role.role !== "leader" || config === undefined || config.term !== term) return false;
  const has = (id: MemberId): boolean => {
    const peer = role.peers[id];
    return id === memberId || (peer?.configTerm === config.term && peer.configVersion >= config.version);
  };
  return config.voters.filter(has).length >= electionQuorum(config.voters.length);
}

// -------------------------------------------------------------- a witness stands in

/**
 * With a witness the loss of a data voter must not stop writes for long: fewer than k others follow, and the voters that
 * would remain have a majority. Without one nobody is removed but by intent or replacement.
 */
function lostVoter(state: State, role: Leader, config: Configuration, { now }: Input): MemberId | undefined {
  if (config.witnesses.length === 0) return undefined;
  const others = dataVoters(config).filter((id) => id !== state.durable.memberId);
  const limit = now - 2 * state.tuning.electionMaxMs;
  const seen = (id: MemberId): number => Math.max(role.peers[id]?.followedAt ?? -Infinity, role.electedAt);
  const silent = others.filter((id) => seen(id) < limit).sort((a, b) => seen(a) - seen(b));
  if (others.length - silent.length >= config.k || silent.length === 0) return undefined;
  return silent.find((id) => survives(state, id, now));
}

// -------------------------------------------------------------- what the intent wants

function nextChange(state: State, input: Input): Step {
  const { durable, intent, role } = state;
  const { now } = input;
  const waits = role.role !== "leader" || (role.changeAfter ?? -Infinity) > now;
  if (waits || intent?.clusterId !== durable.clusterId) return stay(state);
  const replaced = durable.config?.voters.find((id) =>
    admissible(state, now).some((one) => isSuccessor(one, id)),
  );
  if (replaced !== undefined && replaced !== durable.memberId)
    return removable(state, replaced, now) ? remove(state, replaced, input) : stay(state);
  const added = admissible(state, now).find((one) => fits(state, one, now));
  if (added !== undefined)
    return enter(state, { kind: "add", member: added.id, stage: "catchingUp", since: now });
  const unwanted = surplus(state).filter((id) => id !== durable.memberId);
  const removed = unwanted.find((id) => removable(state, id, now));
  if (removed !== undefined) return remove(state, removed, input);
  return unwanted.length === 0 && surplus(state).length > 0 ? onTransferToWanted(state, input) : stay(state);
}

/** The volume of the voter was emptied: its instance is back as another member. */
const isSuccessor = (one: Observer, voter: MemberId): boolean =>
  one.id !== voter && nameOf(one.id) === nameOf(voter);

// -------------------------------------------------------------- stages

function continueChange(state: State, change: Change, input: Input): Step {
  if (change.kind === "remove") return continueRemoval(state, change, input);
  if (change.stage === "spreading") return done(state); // It is settled.
  return wantsStill(state, change, input) ? continueAddition(state, change, input) : giveUp(state, input);
}

/** Its raised k is taken back next: the configuration in force asks for no more. */
function giveUp(state: State, { now }: Input): Step {
  const next = withoutChange(state);
  if (next.role.role !== "leader") return stay(next);
  const givenUp = next.role.givenUp + 1;
  const changeAfter = now + Math.min(ADD_PAUSE_MAX_MS, ADD_PAUSE_MS * 2 ** (givenUp - 1));
  return stay({ ...next, role: { ...next.role, givenUp, changeAfter } });
}

function continueAddition(state: State, change: Change, input: Input): Step {
  const { role } = state;
  const observer = state.observers.find(({ id }) => id === change.member);
  if (role.role !== "leader" || observer === undefined || role.acks === undefined) return done(state);
  const next = withVoter(state, observer);
  if (change.stage === "catchingUp" && !observer.dataless && holdersOf(state, change, [change.member]) === 0)
    return change.marker === undefined ? mark(state, change, input) : stay(state);
  if (role.acks < next.k)
    return chain(enter(state, { ...change, stage: "raising", since: input.now }), (now) =>
      setAcks(now, next.k),
    );
  // The marker must come after the raise, lest commits before it were acknowledged by too few.
  if (change.stage === "raising")
    return enter(state, { ...change, stage: "holding", marker: undefined, since: input.now });
  if (change.stage === "catchingUp") return enter(state, { ...change, stage: "holding", since: input.now });
  if (!needsMarker(state, observer, next)) return join(state, observer, next, input);
  if (change.marker === undefined) return mark(state, change, input);
  return held(state, change, next, observer) ? join(state, observer, next, input) : stay(state);
}

/** A witness that raises nothing changes nothing about who holds what. */
const needsMarker = ({ durable }: State, { dataless }: Observer, { k }: Configuration): boolean =>
  !dataless || k > (durable.config?.k ?? 0);

/** k(new) other data voters of the new configuration, an added one that has data among them, hold the marker. */
function held(state: State, change: Change, next: Configuration, observer: Observer): boolean {
  const others = dataVoters(next).filter((id) => id !== state.durable.memberId);
  const itself = observer.dataless || holdersOf(state, change, [observer.id]) === 1;
  return itself && holdersOf(state, change, others) >= next.k;
}

function join(state: State, { id }: Observer, config: Configuration, input: Input): Step {
  const next: State = { ...state, observers: state.observers.filter((one) => one.id !== id) };
  return chain(
    install(next, config, input),
    (now) => stay(now.role.role === "leader" ? { ...now, role: { ...now.role, givenUp: 0 } } : now),
    (now) => enter(now, { kind: "add", member: id, stage: "spreading", since: input.now }),
    (now) => [now, [{ do: "tell", event: { what: "MemberJoined", member: id, term: now.durable.term } }]],
  );
}

function remove(state: State, id: MemberId, input: Input): Step {
  const { config, left } = state.durable;
  if (config === undefined || state.role.role !== "leader") return stay(state);
  const rest = {
    voters: config.voters.filter((one) => one !== id),
    witnesses: config.witnesses.filter((one) => one !== id),
  };
  const dataless = config.witnesses.includes(id);
  const address = state.role.peers[id]?.health?.address ?? "";
  // With k = 0 nothing is left to lower: semi-sync goes off once a majority has this on disk.
  const k = fullK(rest) === 0 ? 0 : config.k;
  const known = state.observers.some((one) => nameOf(one.id) === nameOf(id));
  const observers = known ? state.observers : [...state.observers, { id, dataless }];
  const gone = dataless ? left : [...left.filter(({ member }) => member !== id), { member: id, address }];
  return chain(
    install({ ...state, observers }, { ...config, ...rest, version: config.version + 1, k }, input, gone),
    (now) => enter(now, { kind: "remove", member: id, stage: "spreading", since: input.now }),
    (now) => [now, [{ do: "tell", event: { what: "MemberRemoved", member: id, term: now.durable.term } }]],
  );
}

/**
 * Out of the configuration, which has spread. What it alone acknowledged must come to be held by as many of the rest as
 * the rest's elections count on, before k is lowered and before the next change: also where k stays as it is.
 */
function continueRemoval(state: State, change: Change, input: Input): Step {
  const { config, memberId } = state.durable;
  if (config === undefined || state.role.role !== "leader") return done(state);
  const full = fullK(config);
  switch (change.stage) {
    case "spreading":
      if (full === 0) return finish(state, config);
      return enter(state, { ...change, stage: "silencing", since: input.now });
    case "silencing":
      if (unsilenced(state).length > 0) return stay(state);
      return enter(state, { ...change, stage: "holding", marker: undefined, since: input.now });
    case "holding": {
      if (change.marker === undefined) return mark(state, change, input);
      const others = dataVoters(config).filter((id) => id !== memberId);
      if (holdersOf(state, change, others) < full) return stay(state);
      if (config.k === full) return finish(state, config);
      return chain(install(state, { ...config, version: config.version + 1, k: full }, input), (now) =>
        enter(now, { ...change, stage: "lowering", since: input.now }),
      );
    }
    default:
      return finish(state, config);
  }
}

/** The configuration is on disk at a majority: only now may fewer acknowledgements do. */
function finish(state: State, { k }: Configuration): Step {
  const lower = state.role.role === "leader" && state.role.acks !== k;
  return chain(done(state), (now) => (lower ? setAcks(now, k) : stay(now)));
}

/** Whether the one that is being added still comes along. An addition given up takes its raised k back. */
function wantsStill(state: State, change: Change, { now }: Input): boolean {
  const patient = change.stage === "catchingUp" || now - change.since < ADD_LIMIT_MS;
  return patient && admissible(state, now).some(({ id }) => id === change.member);
}

// -------------------------------------------------------------- small steps

function withVoter({ durable }: State, { id, dataless }: Observer): Configuration {
  const { config } = durable;
  if (config === undefined) throw new Error("bug: a leader without a configuration");
  const voters = [...config.voters, id];
  const witnesses = dataless ? [...config.witnesses, id] : config.witnesses;
  return { ...config, version: config.version + 1, voters, witnesses, k: fullK({ voters, witnesses }) };
}

/**
 * How many of them report to hold the change's marker. Reports, not counted acknowledgements. An abstainer counts, as
 * its acknowledgement does: what it lost was before.
 */
function holdersOf({ role, durable }: State, { marker }: Change, ids: readonly MemberId[]): number {
  if (role.role !== "leader" || marker === undefined) return 0;
  const holds = (peer: Peer | undefined): boolean =>
    peer !== undefined && peer.receiving === durable.term && containsText(peer.received, marker);
  return ids.filter((id) => holds(role.peers[id])).length;
}

/** Everyone is told at once. */
function install(state: State, config: Configuration, input: Input, left = state.durable.left): Step {
  return chain(persist(state, { config, left }), (now) => beat(now, input));
}

function mark(state: State, change: Change, input: Input): Step {
  const { role, durable } = state;
  if (role.role !== "leader") return stay(state);
  const markers = role.markers + 1;
  const marker = markerOf(durable.clusterId, durable.term, markers);
  const next: State = { ...state, role: { ...role, markers, change: { ...change, marker } } };
  return chain([next, [verb(next, { verb: "mark", to: durable.memberId, marker })]], (now) =>
    beat(now, input),
  );
}

function setAcks(state: State, k: number): Step {
  const { role } = state;
  if (role.role !== "leader") return stay(state);
  return [{ ...state, role: { ...role, acks: undefined } }, [verb(state, { verb: "setAcks", k })]];
}

function enter(state: State, change: Change): Step {
  return state.role.role === "leader" ? stay({ ...state, role: { ...state.role, change } }) : stay(state);
}

const done = (state: State): Step => stay(withoutChange(state));

function withoutChange(state: State): State {
  return state.role.role === "leader" ? { ...state, role: { ...state.role, change: undefined } } : state;
}

// -------------------------------------------------------------- ends of verbs

export function onAcksSet(state: State, k: number, input: Input): Step {
  const { role } = state;
  if (role.role !== "leader") return stay(state);
  return steer({ ...state, role: { ...role, acks: k, failures: 0 } }, input);
}

export function onExcluded(state: State, member: MemberId, input: Input): Step {
  const { role } = state;
  if (role.role !== "leader") return stay(state);
  const excluding = role.excluding.filter((one) => one !== member);
  const excluded = [...new Set([...role.excluded, member])];
  return steer({ ...state, role: { ...role, excluding, excluded, failures: 0 } }, input);
}

export function onAdmitted(state: State, member: MemberId): Step {
  const { role } = state;
  if (role.role !== "leader") return stay(state);
  const admitting = role.admitting.filter((one) => one.member !== member || !one.running);
  return stay({ ...state, role: { ...role, admitting, failures: 0 } });
}

/** A verb of a change has failed: after a pause `steer` finds again what is missing. */
export function onMembershipFailed(state: State, failed: VerbName, { now }: Input): Step {
  const { role } = state;
  if (role.role !== "leader") return stay(state);
  const failures = role.failures + 1;
  const paused: Leader = { ...role, failures, pausedUntil: now + retryDelayMs(failures) };
  // What was set is not known: the configuration's k is set again, whatever it was.
  if (failed === "setAcks") return stay({ ...state, role: { ...paused, acks: -1 } });
  if (failed === "admit") {
    const admitting = role.admitting.map((one) => ({ ...one, running: false }));
    return stay({ ...state, role: { ...paused, admitting } });
  }
  if (failed === "exclude") return stay({ ...state, role: { ...paused, excluding: [] } });
  const change = role.change === undefined ? undefined : { ...role.change, marker: undefined };
  return failed === "mark"
    ? stay({ ...state, role: { ...paused, change } })
    : stay({ ...state, role: paused });
}
