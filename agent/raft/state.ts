/** Small words the transitions are written in. */
import type {
  Action,
  Configuration,
  Durable,
  Follower,
  Input,
  MemberId,
  Message,
  State,
  Step,
  Tuning,
  Verb,
} from "./types";

/** A volume nobody has used. `memberId` is its identity for ever. */
export function freshDurable(memberId: MemberId): Durable {
  return {
    memberId,
    clusterId: "",
    former: [],
    term: 0,
    ledTerm: 0,
    tail: false,
    uncut: false,
    openedTerm: 0,
    receivedTerm: 0,
    relinquished: 0,
    abstain: false,
    cloning: false,
    quarantined: "",
    serverUuids: [],
    knownUuids: [],
    left: [],
  };
}

export const follower = (leader?: MemberId): Follower => ({
  role: "follower",
  leader,
  answeredAt: -Infinity,
  follow: "no",
});

/**
 * The state of a process that has just read its `state.json`; its first event must be `started`.
 * @param dataless a witness's process: it has no mysqld
 */
export function initialState(durable: Durable, tuning: Tuning, dataless = false): State {
  return {
    durable,
    dataless,
    acknowledging: !dataless,
    tuning,
    role: follower(),
    startedAt: 0,
    mysqld: "down",
    writable: false,
    fencing: false,
    serverUuid: durable.serverUuids.at(-1) ?? "",
    received: "",
    health: { serving: false, lagMs: 0, address: "" },
    preVotes: [],
    hellos: {},
    observers: [],
    shuttingDown: false,
    joined: false,
    failures: 0,
    deadlines: {},
  };
}

/** Nothing happens. */
export const stay = (state: State): Step => [state, []];

/** One transition after the other, actions in order. */
export function chain(first: Step, ...rest: readonly ((state: State) => Step)[]): Step {
  let [state, actions] = first;
  for (const next of rest) {
    const [after, more] = next(state);
    state = after;
    if (more.length > 0) actions = actions.length > 0 ? [...actions, ...more] : more;
  }
  return [state, actions];
}

/** Changes what is durable and persists it; nothing when nothing changes. */
export function persist(state: State, change: Partial<Durable>): Step {
  const keys = Object.keys(change) as (keyof Durable)[];
  if (keys.every((key) => same(change[key], state.durable[key]))) return stay(state);
  const durable = { ...state.durable, ...change };
  return [{ ...state, durable }, [{ do: "persist", durable }]];
}

const same = (a: unknown, b: unknown): boolean =>
  a === b || (typeof a === "object" && typeof b === "object" && JSON.stringify(a) === JSON.stringify(b));

/** The sorted union; `a` itself when it has all of `b`: most heartbeats bring no news. */
export function joined(a: readonly string[], b: readonly string[]): readonly string[] {
  return b.every((one) => a.includes(one)) ? a : [...new Set([...a, ...b])].sort();
}

export const verb = (state: State, what: Verb): Action => ({
  do: "verb",
  term: state.durable.term,
  verb: what,
});

/** A message's envelope and kind; a mapped type keeps the union's members apart. */
type Body = {
  [T in Message["type"]]: Omit<Extract<Message, { type: T }>, "clusterId" | "from">;
}[Message["type"]];

export function send(state: State, to: MemberId, body: Body): Action {
  return { do: "send", to, message: envelope(state, body) };
}

export function envelope(state: State, body: Body): Message {
  return { clusterId: state.durable.clusterId, from: state.durable.memberId, ...body } as Message;
}

/** Instance name of a member: the id without its nonce. */
export const nameOf = (id: MemberId): string => id.slice(0, id.lastIndexOf("."));

export const votersOf = (state: State): readonly MemberId[] => state.durable.config?.voters ?? [];
export const isVoter = (state: State): boolean => votersOf(state).includes(state.durable.memberId);
export const isWitness = (state: State): boolean =>
  state.durable.config?.witnesses.includes(state.durable.memberId) ?? false;
export const dataVoters = ({ voters, witnesses }: Pick<Configuration, "voters" | "witnesses">): MemberId[] =>
  voters.filter((id) => !witnesses.includes(id));
/** Whether this member's receiver should acknowledge (I6). */
export const isDataVoter = (state: State): boolean => isVoter(state) && !isWitness(state);
export const otherVoters = (state: State): MemberId[] =>
  votersOf(state).filter((id) => id !== state.durable.memberId);
/** Learners a leader talks to at most. */
const OBSERVERS_MAX = 32;

/** Makes the member one of those the leader talks to. A volume of the same instance that was emptied before is gone. */
export function observe(state: State, id: MemberId, dataless: boolean): State {
  if (state.observers.some((one) => one.id === id)) return state;
  const others = state.observers.filter((one) => nameOf(one.id) !== nameOf(id));
  return { ...state, observers: [...others, { id, dataless }].slice(-OBSERVERS_MAX) };
}

/** Everyone the leader talks to. */
export const audience = (state: State): MemberId[] => [
  ...new Set([...otherVoters(state), ...state.observers.map(({ id }) => id)]),
];

export function deadline(state: State, change: State["deadlines"]): State {
  const keys = Object.keys(change) as (keyof State["deadlines"])[];
  if (keys.every((key) => state.deadlines[key] === change[key])) return state;
  return { ...state, deadlines: { ...state.deadlines, ...change } };
}

export const due = (at: number | undefined, { now }: Input): boolean => at !== undefined && at <= now;
