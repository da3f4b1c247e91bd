/**
 * Who left the configuration must stop to acknowledge before anything is built on it (I6): either it says so, or its
 * account is locked here and its dump threads are gone. A member that led before looks after its own past, too: the
 * receiver of one whose agent is dead goes on for ever, and connects again whenever this mysqld is back.
 */
import { chain, nameOf, persist, stay, verb } from "./state";
import type { Configuration, Durable, Input, Leader, Left, MemberId, State, Step } from "./types";

/** What a living member may take to learn that it left, and to follow anew without acknowledging. */
const GRACE_MS = 1_000;
/** Those of long ago are gone for good. */
const LEFT_MAX = 16;

/** Members that left and neither are seen to be silent nor are shut out here. */
export function unsilenced({ role, durable }: State): readonly Left[] {
  const excluded = role.role === "leader" ? role.excluded : [];
  return durable.left.filter(({ member }) => !excluded.includes(member));
}

/** What a member keeps of those who left when it takes on `config`. */
export function leftAfter(durable: Durable, config: Configuration): readonly Left[] {
  const dataVoter = (id: MemberId, { voters, witnesses }: Configuration): boolean =>
    voters.includes(id) && !witnesses.includes(id);
  const before = durable.config?.voters.filter((id) => durable.config && dataVoter(id, durable.config)) ?? [];
  // Only towards one that led can a receiver run.
  const gone =
    durable.ledTerm > 0 ? before.filter((id) => id !== durable.memberId && !config.voters.includes(id)) : [];
  const known = durable.left.filter(
    ({ member }) => !config.voters.includes(member) && !gone.includes(member),
  );
  return [...known, ...gone.map((member) => ({ member, address: "" }))].slice(-LEFT_MAX);
}

/** Looks after each of them. */
export function silence(state: State, input: Input): Step {
  const { left } = state.durable;
  const steps = left.map((one) => (now: State) => silenceOne(now, one, input));
  return chain(stay(state), ...steps, (now) => admit(now, input));
}

/** Takes back the locks that are not needed any more. */
function admit(state: State, { now }: Input): Step {
  const { role } = state;
  if (role.role !== "leader" || (role.pausedUntil ?? -Infinity) > now) return stay(state);
  const waiting = role.admitting.filter(({ running }) => !running);
  if (waiting.length === 0) return stay(state);
  const admitting = role.admitting.map((one) => ({ ...one, running: true }));
  return [
    { ...state, role: { ...role, admitting } },
    waiting.map(({ member, address }) => verb(state, { verb: "admit", member, address })),
  ];
}

function silenceOne(state: State, left: Left, input: Input): Step {
  const { role } = state;
  if (role.role !== "leader") return stay(state);
  if (role.excluding.includes(left.member)) return stay(state); // Taken back only when it has ended.
  if (isSilent(state, role, left)) return forget(state, role, left);
  if (role.admitting.some(({ member }) => member === left.member)) return stay(state);
  const due = !role.excluded.includes(left.member) && (role.pausedUntil ?? -Infinity) <= input.now;
  if (!due || isComing(state, role, left, input)) return stay(state);
  const [excluding, shut] = [role.excluding, role.shut].map((list) => [...new Set([...list, left.member])]);
  const next: State = { ...state, role: { ...role, excluding: excluding ?? [], shut: shut ?? [] } };
  return [next, [verb(next, { verb: "exclude", ...left })]];
}

/** It has the configuration without it and says that nothing of it acknowledges, or another has its address now. */
function isSilent({ durable }: State, { peers }: Leader, { member, address }: Left): boolean {
  const { config, memberId } = durable;
  const peer = peers[member];
  const knows =
    peer !== undefined &&
    peer.configTerm === config?.term &&
    peer.configVersion >= (config?.version ?? Infinity);
  if (knows && !peer.acknowledging) return true;
  const last = peer?.answeredAt ?? -Infinity;
  const others = Object.values(peers).filter(
    ({ id, answeredAt }) => id !== member && id !== memberId && answeredAt > last,
  );
  return address === ""
    ? others.some(({ id }) => nameOf(id) === nameOf(member)) // Its instance has another volume now.
    : others.some(({ health }) => health?.address === address);
}

/** One that answers will stop by itself. */
function isComing({ tuning }: State, role: Leader, { member }: Left, { now }: Input): boolean {
  const since = Math.max(role.electedAt, role.change?.since ?? -Infinity);
  return now - since < GRACE_MS && now - (role.peers[member]?.answeredAt ?? -Infinity) < tuning.electionMinMs;
}

function forget(state: State, role: Leader, left: Left): Step {
  const others = state.durable.left.filter(({ member }) => member !== left.member);
  const keep = (member: MemberId): boolean => member !== left.member;
  const locked = role.shut.includes(left.member) ? [{ ...left, running: false }] : [];
  const next: Leader = {
    ...role,
    shut: role.shut.filter(keep),
    excluded: role.excluded.filter(keep),
    admitting: [...role.admitting, ...locked],
  };
  return persist({ ...state, role: next }, { left: others });
}
