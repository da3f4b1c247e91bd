/** Who may join or leave the configuration now, by what the leader knows of them. */
import { acknowledgements, electionQuorum } from "../../api/quorum";
import { dataVoters, nameOf } from "./state";
import type { Configuration, MemberId, Observer, State } from "./types";

type Voters = Pick<Configuration, "voters" | "witnesses">;

/** Acknowledgements the configuration's voters call for. */
export const fullK = ({ voters, witnesses }: Voters): number =>
  acknowledgements(voters.length, voters.length - witnesses.length);

/** Observers that the intent wants as voters and that could be one now, also those whose predecessor still is. */
export function admissible(state: State, now: number): readonly Observer[] {
  const { role, durable, intent } = state;
  if (role.role !== "leader") return [];
  const able = ({ id, dataless }: Observer): boolean => {
    const peer = role.peers[id];
    if (peer === undefined || !isAlive(state, id, now)) return false;
    return dataless || (peer.receiving === durable.term && !peer.abstain);
  };
  const wanted = ({ id, dataless }: Observer): boolean =>
    intent?.members.some(
      ({ name, role: as }) => name === nameOf(id) && as === (dataless ? "witness" : "voter"),
    ) ?? false;
  const { voters = [] } = durable.config ?? {};
  return state.observers.filter((one) => !voters.includes(one.id) && wanted(one) && able(one));
}

/** Whether the configuration with it could elect and commit now. */
export function fits(state: State, { id, dataless }: Observer, now: number): boolean {
  const { config } = state.durable;
  if (config === undefined || config.voters.some((one) => nameOf(one) === nameOf(id))) return false;
  const witnesses = dataless ? [...config.witnesses, id] : config.witnesses;
  return works(state, { voters: [...config.voters, id], witnesses }, now);
}

/** Voters the intent does not want as what they are; who does not answer first. */
export function surplus({ durable, intent, role }: State): readonly MemberId[] {
  const { config } = durable;
  if (config === undefined || intent === undefined || role.role !== "leader") return [];
  if (!intent.members.some(({ role: as }) => as === "voter")) return []; // Nobody wants a cluster of none.
  const wanted = (id: MemberId): boolean => {
    const as = config.witnesses.includes(id) ? "witness" : "voter";
    return intent.members.some((one) => one.name === nameOf(id) && one.role === as);
  };
  const answered = (id: MemberId): number => role.peers[id]?.answeredAt ?? -Infinity;
  return config.voters.filter((id) => !wanted(id)).sort((a, b) => answered(a) - answered(b));
}

/** Whether the configuration without it could elect and commit now. */
export function removable(state: State, id: MemberId, now: number): boolean {
  const rest = without(state, id);
  return rest !== undefined && id !== state.durable.memberId && works(state, rest, now);
}

/** Whether the configuration without it could elect now. */
export function survives(state: State, id: MemberId, now: number): boolean {
  const rest = without(state, id);
  return rest !== undefined && id !== state.durable.memberId && hasMajority(state, rest, now);
}

function without({ durable: { config } }: State, id: MemberId): Voters | undefined {
  if (config === undefined) return undefined;
  const keep = (one: MemberId): boolean => one !== id;
  return { voters: config.voters.filter(keep), witnesses: config.witnesses.filter(keep) };
}

function works(state: State, voters: Voters, now: number): boolean {
  const { role, durable } = state;
  if (role.role !== "leader") return false;
  const follow = dataVoters(voters).filter(
    (id) => role.peers[id]?.receiving === durable.term && isAlive(state, id, now),
  );
  return hasMajority(state, voters, now) && follow.length >= fullK(voters);
}

const hasMajority = (state: State, { voters }: Voters, now: number): boolean =>
  voters.filter((id) => isAlive(state, id, now)).length >= electionQuorum(voters.length);

function isAlive({ role, durable, tuning }: State, id: MemberId, now: number): boolean {
  if (id === durable.memberId) return true;
  return role.role === "leader" && now - (role.peers[id]?.answeredAt ?? -Infinity) < tuning.electionMinMs;
}
