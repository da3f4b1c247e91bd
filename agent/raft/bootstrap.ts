/**
 * The birth of a cluster: once, with all members present and empty, and an intent that says it never was
 * (agent.md, Membership). The first named member makes the configuration; the others take it only while they have
 * none. Whoever has it answers a configuration-less voter's hello with it, so a lost message heals itself.
 */
import { acknowledgements } from "../../api/quorum";
import { tend } from "./recovery";
import { isSuperseded, joinSuccessor } from "./rescue";
import { leftAfter } from "./silence";
import { configNewer } from "./standing";
import {
  chain,
  deadline,
  envelope,
  follower,
  isVoter,
  nameOf,
  observe,
  persist,
  send,
  stay,
  votersOf,
} from "./state";
import { rearmElection, standSoon } from "./term";
import type {
  Action,
  Bootstrap,
  Configuration,
  Event,
  Hello,
  Input,
  MemberId,
  State,
  Step,
  Wanted,
  WantedRole,
} from "./types";

/** A hello older than this proves no presence. */
const HELLO_FRESH_MS = 5_000;

export function onIntent(state: State, event: Extract<Event, { type: "intent" }>, input: Input): Step {
  const { clusterId, members, initialised, tuning } = event;
  // One from before a recovery: the controller has not heard of it yet.
  if (state.durable.former.includes(clusterId)) return stay({ ...state, tuning });
  const known = (now: State): State => ({ ...now, tuning, intent: { clusterId, members, initialised } });
  return chain(isSuperseded(state, event) ? joinSuccessor(state, clusterId, input) : stay(state), (now) =>
    saysHello(now) ? onHelloTimer(known(now), input) : stay(known(now)),
  );
}

/** A member without a configuration at once; a learner that was restarted knows nobody whom it could wait for. */
const saysHello = (state: State): boolean =>
  state.durable.config === undefined || (!isVoter(state) && state.deadlines.hello === undefined);

/** A member outside the configuration makes itself known: to found a cluster, or as a learner to its next leader. */
export function onHelloTimer(state: State, input: Input): Step {
  const { intent, durable, tuning } = state;
  if (isVoter(state) || intent === undefined) return stay(deadline(state, { hello: undefined }));
  const message = envelope(state, { type: "hello", empty: isEmpty(state), dataless: state.dataless });
  const own = nameOf(durable.memberId);
  const others = intent.members.filter(({ name }) => name !== own);
  const sends = others.map(
    ({ name: to }): Action => ({
      do: "sendByName",
      to,
      message: { ...message, clusterId: intent.clusterId },
    }),
  );
  return chain([deadline(state, { hello: input.now + 2 * tuning.heartbeatMs }), sends], (now) =>
    tryBootstrap(now, input),
  );
}

const isEmpty = ({ dataless, mysqld, received }: State): boolean =>
  dataless || (mysqld === "running" && received === "");

export function onHello(state: State, { from, empty, dataless }: Hello, input: Input): Step {
  const { config } = state.durable;
  if (config === undefined) {
    const hellos = { ...state.hellos, [nameOf(from)]: { id: from, empty, dataless, at: input.now } };
    return tryBootstrap({ ...state, hellos }, input);
  }
  if (config.voters.includes(from)) return [state, [send(state, from, { type: "bootstrap", config })]];
  return stay(state.role.role === "leader" ? observe(state, from, dataless) : state);
}

function tryBootstrap(state: State, input: Input): Step {
  const { intent, durable } = state;
  if (intent === undefined || intent.initialised || durable.config !== undefined) return stay(state);
  const wanted = intent.members.filter(({ role }) => role !== "learner");
  const founder = wanted.find(({ role }) => role === "voter");
  if (founder?.name !== nameOf(durable.memberId) || !isEmpty(state)) return stay(state);
  const present = wanted.flatMap((one) => presentAndEmpty(state, one, input) ?? []);
  if (present.length !== wanted.length) return stay(state);
  const voters = present.map(({ id }) => id);
  const witnesses = present.flatMap(({ id, role }) => (role === "witness" ? [id] : []));
  const k = acknowledgements(voters.length, voters.length - witnesses.length);
  const config: Configuration = { term: 1, version: 1, voters, witnesses, k };
  return chain(adopt(state, intent.clusterId, config, input), (now) => [
    now,
    votersOf(now)
      .filter((id) => id !== durable.memberId)
      .map((to) => send(now, to, { type: "bootstrap", config })),
  ]);
}

/** Its id, when its process says that it is there, empty, and of the kind that is wanted. */
function presentAndEmpty(
  state: State,
  { name, role }: Wanted,
  { now }: Input,
): { readonly id: MemberId; readonly role: WantedRole } | undefined {
  const { memberId } = state.durable;
  if (name === nameOf(memberId))
    return state.dataless === (role === "witness") ? { id: memberId, role } : undefined;
  const hello = state.hellos[name];
  if (hello === undefined || !hello.empty || hello.dataless !== (role === "witness")) return undefined;
  return now - hello.at < HELLO_FRESH_MS ? { id: hello.id, role } : undefined;
}

export function onBootstrap(state: State, { clusterId, config }: Bootstrap, input: Input): Step {
  const { durable, intent } = state;
  if (durable.config !== undefined) return learnConfig(state, clusterId, config, input);
  const mine = intent?.clusterId === clusterId && config.voters.includes(durable.memberId);
  if (!mine || !isEmpty(state)) return stay(state);
  return adopt(state, clusterId, config, input);
}

/**
 * Takes a newer configuration from whoever has it: it travels freely. It may say that this member, or all it knew, have
 * left; or that it is a voter, made by a leader that fell silent before it could say so: its vote may be the missing one.
 * A candidacy under the older one is given up: its votes would be counted by another rule than they were asked by.
 */
export function learnConfig(state: State, clusterId: string, config: Configuration, input: Input): Step {
  const { durable, role } = state;
  const news = clusterId === durable.clusterId && configNewer(config, durable.config);
  if (!news || role.role === "leader") return stay(state);
  const stands = role.role === "preCandidate" || role.role === "candidate";
  return chain(persist(state, { config, left: leftAfter(durable, config) }), (now) => {
    const next = stands ? standSoon({ ...now, role: follower() }, input) : now;
    return stay(deadline(next, { hello: isVoter(next) ? undefined : input.now }));
  });
}

function adopt(state: State, clusterId: string, config: Configuration, input: Input): Step {
  return chain(
    persist({ ...state, hellos: {} }, { clusterId, config }),
    (now) => stay(isVoter(now) ? rearmElection(deadline(now, { hello: undefined }), input) : now),
    (now) => tend(now, input),
  );
}
