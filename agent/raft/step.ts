/** The one entry: an event comes in, the new state and the actions go out. Every event has its handler. */
import { onBootstrap, onHello, onHelloTimer, onIntent } from "./bootstrap";
import {
  askPreVotes,
  askVotes,
  onElectionTimeout,
  onPreVoteReply,
  onTimeoutNow,
  onVoteReply,
} from "./election";
import { onHeartbeat, tellMarker, tellReceiving, tellSilence } from "./heartbeat";
import { beat, onHeartbeatReply, onLeaseEnd } from "./leader";
import { onAcksSet, onAdmitted, onExcluded, onMembershipFailed, steer } from "./membership";
import { advance, onPromoted, onPromotionFailed } from "./promotion";
import {
  onCloned,
  onDiverged,
  onFenced,
  onFollowed,
  onMarkerReply,
  onMysqldDown,
  onMysqldReady,
  onRebuild,
  onReceiverLost,
  onRecoverTimeout,
  onRecoveryFailed,
  onRewound,
  suspect,
  tend,
} from "./recovery";
import { onRecover } from "./rescue";
import { markerOf } from "./standing";
import { chain, deadline, due, persist, send, stay, verb } from "./state";
import { fence, rearmElection } from "./term";
import {
  onLeadersMysqldDied,
  onQuiesced,
  onShutdown,
  onStalled,
  onTransfer,
  onTransferLimit,
} from "./transfer";
import { answerPreVotes, continueBallot, decide, onPreVote, onVote } from "./vote";
import type { Event, Input, Message, State, Step, VerbName } from "./types";

type Handlers = {
  readonly [T in Event["type"]]: (state: State, event: Extract<Event, { type: T }>, input: Input) => Step;
};
type Receivers = {
  readonly [T in Message["type"]]: (
    state: State,
    message: Extract<Message, { type: T }>,
    input: Input,
  ) => Step;
};

/** Decides. Pure; see types.ts for what the caller owes. */
export function step(state: State, event: Event, input: Input): Step {
  const handle = handlers[event.type] as (state: State, event: Event, input: Input) => Step;
  return handle(state, event, input);
}

/** When `timer` must come at the latest (monotonic ms); undefined = never. */
export function nextDeadline({ deadlines }: State): number | undefined {
  const times = Object.values(deadlines).filter((at): at is number => at !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** A verb's end of an older term says nothing about this one. */
const current =
  <E extends { readonly term: number }>(handle: (state: State, event: E, input: Input) => Step) =>
  (state: State, event: E, input: Input): Step =>
    event.term === state.durable.term ? handle(state, event, input) : stay(state);

/** Whatever happened, see what mysqld should do now. */
const thenTend =
  <E>(handle: (state: State, event: E, input: Input) => Step) =>
  (state: State, event: E, input: Input): Step =>
    chain(handle(state, event, input), (now) => tend(now, input));

const handlers: Handlers = {
  started: (state, event, input) => onStarted(state, event, input),
  timer: (state, _event, input) => onTimer(state, input),
  message: (state, { message }, input) => onMessage(state, message, input),
  intent: onIntent,
  transfer: (state, { to, reason }, input) => onTransfer(state, to, reason, input),
  shutdown: (state, _event, input) => onShutdown(state, input),
  rebuild: (state) => onRebuild(state),
  observed: thenTend((state, { received, health }) =>
    // A ballot or candidacy compares by the set that was read for it.
    stay(
      state.ballot === undefined && state.role.role !== "candidate"
        ? suspect({ ...state, received, health })
        : { ...state, health },
    ),
  ),
  mysqldExited: thenTend((state, _event, input) => onMysqldExited(state, input)),
  mysqldReady: thenTend((state, { received, serverUuid }, input) =>
    chain(onMysqldReady(state, received, serverUuid), (now) => decide(now, input)),
  ),
  receiverStopped: current((state, { received }, input) =>
    chain(decide(receiverStopped(state, received), input), (now) => askVotes(now, input), tellSilence),
  ),
  receivedRead: current((state, { received }, input) =>
    chain(answerPreVotes({ ...state, received }, input), (now) => askPreVotes(now, input), tellMarker),
  ),
  fenced: thenTend((state, { killed }, input) => chain(onFenced(state, killed, input), continueBallot)),
  drained: current((state, _event, input) => onPromoted(state, "drained", input)),
  armed: current((state, _event, input) => onPromoted(state, "armed", input)),
  barrierAcked: current((state, _event, input) => onPromoted(state, "barrierAcked", input)),
  opened: current((state, _event, input) => onPromoted(state, "opened", input)),
  stalled: current((state, _event, input) => onStalled(state, input)),
  receiverLost: current(thenTend((state, { purged }, input) => onReceiverLost(state, purged, input))),
  quiesced: current((state, _event, input) => onQuiesced(state, input)),
  followed: current(thenTend((state) => chain(onFollowed(state), tellReceiving))),
  diverged: current((state, { errant }) => onDiverged(state, errant)),
  rewound: thenTend((state, { result, errant }) => onRewound(state, result, errant)),
  cloned: thenTend((state) => onCloned(state)),
  marked: (state) => stay(state), // Its commit; who holds it is seen without.
  acksSet: current((state, { k }, input) => chain(onAcksSet(state, k, input), (now) => advance(now, input))),
  excluded: current((state, { member }, input) =>
    chain(onExcluded(state, member, input), (now) => advance(now, input)),
  ),
  admitted: current((state, { member }) => onAdmitted(state, member)),
  recover: onRecover,
  failed: thenTend((state, { verb: name, term, reason }, input) =>
    chain([state, [{ do: "tell", event: { what: "VerbFailed", verb: name, reason } }]], (now) =>
      onFailed(now, name, term, input),
    ),
  ),
};

const receivers: Receivers = {
  hello: onHello,
  bootstrap: onBootstrap,
  preVote: onPreVote,
  preVoteReply: onPreVoteReply,
  vote: onVote,
  voteReply: onVoteReply,
  heartbeat: onHeartbeat,
  heartbeatReply: onHeartbeatReply,
  timeoutNow: onTimeoutNow,
  markerRequest: (state, { from, term }) =>
    state.role.role === "leader" && state.role.phase === "open" && term === state.durable.term
      ? writeMarker(state, from)
      : stay(state),
  markerReply: (state, { term, marker }, input) => onMarkerReply(state, term, marker, input),
};

/** A `follow` asked for since runs behind the stop. */
function receiverStopped(state: State, received: string): State {
  const { role } = state;
  const follows = role.role === "follower" && role.follow === "asked" && role.acknowledge === true;
  return { ...state, received, acknowledging: follows };
}

/** Names the next marker and has it written. */
function writeMarker(state: State, to: string): Step {
  const { role, durable } = state;
  if (role.role !== "leader") return stay(state);
  const markers = role.markers + 1;
  const marker = markerOf(durable.clusterId, durable.term, markers);
  return [
    { ...state, role: { ...role, markers } },
    // Told before it is written: its commit may wait for others, and holding it proves that it was written.
    [
      verb(state, { verb: "mark", to, marker }),
      send(state, to, { type: "markerReply", term: durable.term, marker }),
    ],
  ];
}

/** Messages of another cluster are void. */
function onMessage(state: State, message: Message, input: Input): Step {
  const own = state.durable.clusterId === "" ? state.intent?.clusterId : state.durable.clusterId;
  if (message.clusterId !== own || message.from === state.durable.memberId) return stay(state);
  const receive = receivers[message.type] as (state: State, message: Message, input: Input) => Step;
  return receive(state, message, input);
}

/** An agent starts as a follower: it fences a writable mysqld and never resumes leading. */
function onStarted(state: State, event: Extract<Event, { type: "started" }>, input: Input): Step {
  if (state.dataless) return stay(rearmElection({ ...state, startedAt: input.now }, input));
  const running = event.mysqld === "running";
  const writable = running && event.writable;
  const next: State = {
    ...state,
    startedAt: input.now,
    mysqld: running && writable ? "running" : "down",
    writable,
    acknowledging: running,
  };
  // After a power cut a relaxed replica's data cannot be trusted (agent.md, Power loss).
  const unsafe = event.unsafeData ? { abstain: true, cloning: true } : {};
  return chain(persist(rearmElection(next, input), unsafe), fence, (now) =>
    running && !writable ? attach(now) : tend(now, input),
  );
}

/** Beats, and does what no answer calls for: a leader alone gets none. */
const lookAround = (state: State, input: Input): Step =>
  chain(
    beat(state, input),
    (now) => steer(now, input),
    (now) => advance(now, input),
  );

/** `startMysqld` attaches to one that runs. */
const attach = (state: State): Step => [
  { ...state, mysqld: "starting" },
  [verb(state, { verb: "startMysqld" })],
];

function onTimer(state: State, input: Input): Step {
  return chain(
    due(state.deadlines.lease, input) ? onLeaseEnd(state, input) : stay(state),
    (now) => (due(now.deadlines.transfer, input) ? onTransferLimit(now, input) : stay(now)),
    (now) => (due(now.deadlines.heartbeat, input) ? lookAround(now, input) : stay(now)),
    (now) => (due(now.deadlines.election, input) ? onElectionTimeout(now, input) : stay(now)),
    (now) => (due(now.deadlines.hello, input) ? onHelloTimer(now, input) : stay(now)),
    (now) => (due(now.deadlines.recover, input) ? onRecoverTimeout(now) : stay(now)),
    (now) => tend(due(now.deadlines.retry, input) ? deadline(now, { retry: undefined }) : now, input),
  );
}

function onMysqldExited(state: State, input: Input): Step {
  if (state.mysqld !== "running") return stay(state);
  const led = state.role.role === "leader";
  return chain(onMysqldDown(state, input), (now) =>
    led ? onLeadersMysqldDied(now, input) : stay(rearmIfCandidate(now, input)),
  );
}

function rearmIfCandidate(state: State, input: Input): State {
  const { role } = state;
  return role.role === "preCandidate" || role.role === "candidate"
    ? rearmElection({ ...state, role: { role: "follower", answeredAt: -Infinity, follow: "no" } }, input)
    : state;
}

function onFailed(state: State, name: VerbName, term: number, input: Input): Step {
  switch (name) {
    case "startMysqld":
    case "rewind":
    case "clone":
      return onRecoveryFailed(state, name, input);
    case "fence": // Never given up; the supervisor's watchdog stands behind it.
      return fence({ ...state, fencing: false });
    default:
      return term === state.durable.term ? onTermVerbFailed(state, name, input) : stay(state);
  }
}

function onTermVerbFailed(
  state: State,
  name: Exclude<VerbName, "startMysqld" | "rewind" | "clone" | "fence">,
  input: Input,
): Step {
  switch (name) {
    case "follow":
      return onRecoveryFailed(state, name, input);
    case "stopReceiver":
    case "readReceived":
      return stay(rearmIfCandidate({ ...state, ballot: undefined, preVotes: [] }, input));
    case "drain":
    case "arm":
    case "barrier":
    case "open":
    case "quiesce":
      return onPromotionFailed(state, `${name} failed`, input);
    case "mark":
    case "setAcks":
    case "exclude":
    case "admit":
      return onMembershipFailed(state, name, input);
  }
}
