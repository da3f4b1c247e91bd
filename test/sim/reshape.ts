/** Faults of membership: what the controller wants changes, volumes are replaced, a majority is lost and given up. */
import { recoveryRefusal } from "../../agent/raft";
import { electionQuorum } from "../../api/quorum";
import { WITNESS } from "./controller";
import { mayLose } from "./faults";
import type { Member } from "./member";
import type { World } from "./world";

export type ReshapeKind =
  | "scaleOut"
  | "scaleIn"
  | "addWitness"
  | "dropWitness"
  | "addLearner"
  | "replace"
  | "loseMajority";

/** A person looks for a while before giving up what the others hold. */
const GIVE_UP_MS = 2_500;

export function reshape(world: World, kind: ReshapeKind, member: Member, ms: number): void {
  const { controller, random, names } = world;
  const spare = names.find((name) => name !== WITNESS && controller.wants(name)?.role !== "voter");
  switch (kind) {
    case "scaleOut":
      return controller.add("voter", spare);
    case "scaleIn":
      return controller.drop(random.pick(controller.names("voter")));
    case "addWitness":
      return controller.add(
        "witness",
        names.find((name) => name === WITNESS),
      );
    case "dropWitness":
      return controller.drop(controller.names("witness")[0]);
    case "addLearner":
      return controller.wants(spare ?? "") === undefined
        ? controller.add("learner", spare)
        : controller.drop(spare);
    case "replace": // kubectl delete pvc,pod: another volume under the name, at once.
      return mayLose(world, member) ? (member.killPod(50), member.wipe()) : undefined;
    case "loseMajority":
      return loseMajority(world, member, ms);
  }
}

/** So many voters are gone for so long that a person lets one of the rest go on alone; then they come back. */
function loseMajority(world: World, survivor: Member, ms: number): void {
  const config = world.newestConfig();
  const { memberId } = survivor;
  if (config === undefined || world.losses > 0 || world.isChanging()) return;
  const others = world.members.filter((one) => one !== survivor && config.voters.includes(one.memberId));
  if (others.length === 0 || !config.voters.includes(memberId) || config.witnesses.includes(memberId)) return;
  world.losses++;
  const { clusterId } = survivor.durable;
  for (const one of others.slice(0, electionQuorum(config.voters.length)))
    one.killPod(GIVE_UP_MS + 1_500 + 3 * ms);
  const to = world.random.uuid();
  const ask = (): void => {
    const state = survivor.agent?.state;
    const now = survivor.agent?.localNow ?? 0;
    if (survivor.durable.clusterId !== clusterId || survivor.memberId !== memberId) return;
    const majority = others.filter(({ podUp }) => podUp).length + 1 >= electionQuorum(config.voters.length);
    if (majority) return; // They are back: nobody gives anything up.
    if (state !== undefined && recoveryRefusal(state, now) === undefined)
      survivor.post({ type: "recover", clusterId: to });
    world.agenda.after(300, ask);
  };
  world.agenda.after(GIVE_UP_MS, ask);
}
