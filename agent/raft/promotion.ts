/**
 * Promotion, in this order (agent.md, Promotion): drain → arm (semi-sync on, only now: mysql-facts 3) → followers
 * re-point → barrier, acknowledged by k → lease → open. Each phase starts where the one before has ended.
 *
 * The slice is written as soon as the drain is over, so that the API server and the nodes' proxies work while the
 * barrier is made: until it opens, mysqld itself refuses clients (offline_mode), and no other member serves (I7).
 */
import { beat } from "./leader";
import { steer } from "./membership";
import { unsilenced } from "./silence";
import { retire } from "./transfer";
import { chain, isWitness, otherVoters, persist, stay, verb } from "./state";
import type { Action, Input, Leader, LeaderPhase, State, Step } from "./types";

/** A verb of the promotion has ended well. */
export function onPromoted(
  state: State,
  ended: "drained" | "armed" | "barrierAcked" | "opened",
  input: Input,
): Step {
  const expected = {
    drained: "draining",
    armed: "arming",
    barrierAcked: "barrier",
    opened: "opening",
  } as const;
  if (state.role.role !== "leader" || state.role.phase !== expected[ended]) return stay(state);
  if (ended === "drained") return arm(state);
  if (ended === "armed")
    return chain(
      enter({ ...state, role: { ...state.role, acks: state.durable.config?.k ?? 0 } }, "gathering"),
      (now) => steer(now, input),
      (now) => beat(now, input),
      (now) => advance(now, input),
    );
  if (ended === "barrierAcked") {
    const { term } = state.durable; // The term is noted as opened before a client is let in.
    return chain(
      persist(state, { openedTerm: term }),
      (now) => enter(now, "leasing"),
      (now) => advance(now, input),
    );
  }
  return opened(state, input);
}

/** From here on mysqld may be writable: it is fenced before this member does anything else. */
function arm(state: State): Step {
  const k = state.durable.config?.k ?? 0;
  return chain(enter(state, "arming"), (now) => [
    { ...now, writable: true },
    [verb(now, { verb: "arm", k }), { do: "publish", term: now.durable.term }],
  ]);
}

/** What waits for followers or for the lease, looked at after every answer. */
export function advance(state: State, input: Input): Step {
  const { role } = state;
  if (role.role !== "leader") return stay(state);
  const k = state.durable.config?.k ?? 0;
  if (role.acks !== k) return stay(state); // A change is under way (membership.ts).
  if (role.phase === "gathering" && receivers(state, role) >= k && unsilenced(state).length === 0) {
    const { clusterId } = state.durable;
    return chain(enter(state, "barrier"), (now) => [now, [verb(now, { verb: "barrier", clusterId })]]);
  }
  // I5, I7: open only with the barrier acknowledged and the lease held; the watchdog is in force before.
  if (role.phase === "leasing" && role.leaseUntil > input.now) {
    const actions = (now: State): Action[] => [
      { do: "watchdog", armed: true },
      { do: "lease", until: role.leaseUntil },
      verb(now, { verb: "open" }),
    ];
    return chain(enter(state, "opening"), (now) => [now, actions(now)]);
  }
  return stay(state);
}

/** Data voters whose receiver runs towards this leader: only they can acknowledge (I6). */
function receivers(state: State, { peers }: Leader): number {
  const witnesses = state.durable.config?.witnesses ?? [];
  const { term } = state.durable;
  return otherVoters(state).filter((id) => !witnesses.includes(id) && peers[id]?.receiving === term).length;
}

function opened(state: State, input: Input): Step {
  const { term } = state.durable;
  const role = state.role as Leader;
  const what = term === 1 ? "PrimaryElected" : role.cause === "transfer" ? "SwitchedOver" : "FailedOver";
  return chain(
    enter({ ...state, failures: 0 }, "open"),
    (now) => [
      now,
      [
        { do: "publish", term }, // Again: should the first have met an API server that was away.
        { do: "tell", event: { what, term, reason: term === 1 ? "the first of this cluster" : role.reason } },
      ],
    ],
    (now) => beat(now, input),
  );
}

function enter(state: State, phase: LeaderPhase): Step {
  return state.role.role === "leader" ? stay({ ...state, role: { ...state.role, phase } }) : stay(state);
}

/** A verb of the promotion failed: nobody gets in by a half-done promotion; another member tries. */
export function onPromotionFailed(state: State, reason: string, input: Input): Step {
  return state.role.role === "leader" && !isWitness(state)
    ? retire(state, { cause: "stalled", reason }, input)
    : stay(state);
}
