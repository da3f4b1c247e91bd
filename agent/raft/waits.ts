/** What a change of the configuration waits for, in words for people. */
import { admissible, surplus } from "./candidates";
import { settled } from "./membership";
import { nameOf } from "./state";
import type { Change, State } from "./types";

/**
 * Why the configuration is not yet what the intent wants, in one sentence; undefined = it is, or this member does not
 * lead. `now`: monotonic ms.
 */
export function waitsFor(state: State, now: number): string | undefined {
  const { role } = state;
  if (role.role !== "leader" || state.durable.config === undefined) return undefined;
  if (role.acks === undefined) return "the number of acknowledgements is being set";
  if (!settled(state)) return "a majority of the voters has not stored the configuration yet";
  return role.change === undefined ? idleReason(state, now) : `waits for ${changeWaitsFor(role.change)}`;
}

/** What the change waits for, as the end of a sentence that begins with "waits for". */
export function changeWaitsFor({ kind, member, stage }: Change): string {
  const name = nameOf(member);
  switch (stage) {
    case "catchingUp":
      return `${name} to hold nearly all that the primary has`;
    case "raising":
      return "MySQL to wait for more acknowledgements";
    case "holding":
      return kind === "add"
        ? `${name} and the other voters to hold all that was committed`
        : "the remaining voters to hold all that was committed";
    case "spreading":
      return "a majority of the voters to have the new configuration on disk";
    case "silencing":
      return `${name} to acknowledge no more`;
    case "lowering":
      return "MySQL to wait for fewer acknowledgements";
  }
}

function idleReason(state: State, now: number): string | undefined {
  const { intent, durable } = state;
  const voters = durable.config?.voters.map(nameOf) ?? [];
  const missing = (intent?.members ?? []).filter(
    ({ name, role }) => role !== "learner" && !voters.includes(name),
  );
  const able = admissible(state, now).map(({ id }) => nameOf(id));
  const absent = missing.filter(({ name }) => !able.includes(name)).map(({ name }) => name);
  if (absent.length > 0) return `${absent.join(", ")} must follow first`;
  const extra = surplus(state).map(nameOf);
  if (extra.length > 0) return `the rest without ${extra[0] ?? ""} could not elect or commit now`;
  return missing.length > 0
    ? `the voters with ${missing[0]?.name ?? ""} could not elect or commit now`
    : undefined;
}
