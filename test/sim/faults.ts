/** What is done to a world: a list made from the seed, so that a failing schedule shrinks by leaving faults out. */
import type { Member } from "./member";
import { reshape, type ReshapeKind } from "./reshape";
import type { Random } from "./random";
import type { World } from "./world";

export type FaultKind =
  | "killMysqld"
  | "killLeaderMysqld"
  | "killAgent"
  | "killPod"
  | "killAll"
  | "killMajority"
  | "isolate"
  | "isolateLeader"
  | "cutPair"
  | "muteOneWay"
  | "deafenOneWay"
  | "heal"
  | "stallAgent"
  | "stopMysqld"
  | "slowDisk"
  | "transfer"
  | "shutdown"
  | "wipe"
  | "verbsFail"
  | "losePower"
  | "apiDown"
  | "badNetwork"
  | "lateNetwork"
  | "rebuild"
  | "suspend"
  | "clockJump"
  | "fullDisk"
  | ReshapeKind;

export interface Fault {
  /** True ms after the cluster was first open. */
  readonly at: number;
  readonly kind: FaultKind;
  /** Index of the member; the leader's where the kind says so. */
  readonly member: number;
  /** ms: how long it lasts, or until the restart. */
  readonly ms: number;
}

const WEIGHTS: readonly (readonly [FaultKind, number])[] = [
  ["killMysqld", 8],
  ["killLeaderMysqld", 14],
  ["killAgent", 8],
  ["killPod", 8],
  ["killAll", 2],
  ["killMajority", 3],
  ["isolate", 6],
  ["isolateLeader", 10],
  ["cutPair", 6],
  ["muteOneWay", 6],
  ["deafenOneWay", 6],
  ["heal", 12],
  ["stallAgent", 8],
  ["stopMysqld", 5],
  ["slowDisk", 4],
  ["transfer", 7],
  ["shutdown", 5],
  ["wipe", 1],
  ["verbsFail", 3],
  ["losePower", 2],
  ["apiDown", 2],
  ["badNetwork", 4],
  ["lateNetwork", 4],
  ["rebuild", 4],
  ["suspend", 4],
  ["clockJump", 2],
  ["fullDisk", 3],
  ["scaleOut", 9],
  ["scaleIn", 9],
  ["addWitness", 4],
  ["dropWitness", 4],
  ["addLearner", 3],
  ["replace", 4],
  ["loseMajority", 4],
];
const TOTAL = WEIGHTS.reduce((sum, [, weight]) => sum + weight, 0);

/** A schedule's faults within `spanMs`, in their order. Bursts are likelier than even spacing: trouble comes in company. */
export function faultsFor(random: Random, members: number, spanMs: number): Fault[] {
  const count = 2 + random.int(7);
  const bursts = Array.from({ length: 1 + random.int(3) }, () => random.between(0, spanMs));
  return Array.from({ length: count }, (): Fault => {
    const at = random.odds(0.6) ? random.pick(bursts) + random.between(0, 400) : random.between(0, spanMs);
    const ms = random.odds(0.3) ? random.between(10, 300) : random.between(200, 2_500);
    return { at, kind: kindOf(random), member: random.int(members), ms };
  }).sort((a, b) => a.at - b.at);
}

function kindOf(random: Random): FaultKind {
  let left = random.next() * TOTAL;
  for (const [kind, weight] of WEIGHTS) {
    left -= weight;
    if (left < 0) return kind;
  }
  return "heal";
}

/** Carries a fault out now. */
// eslint-disable-next-line complexity -- one case for each kind, none deeper than a line or two
export function inject(world: World, { kind, member: index, ms }: Fault): void {
  const { agenda, network, members, names } = world;
  const leader = members.find(({ name }) => name === world.judge.newest.member);
  const atLeader = kind === "killLeaderMysqld" || kind === "isolateLeader" || kind === "transfer";
  const member = (atLeader ? leader : undefined) ?? members[index % members.length];
  if (member === undefined) return;
  const others = names.filter((name) => name !== member.name);
  world.trace?.(`FAULT ${kind} ${member.name} ${ms.toFixed(0)} ms`);
  switch (kind) {
    case "killMysqld":
    case "killLeaderMysqld":
      return member.killMysqld("SIGKILL");
    case "killAgent":
      return member.killAgent(ms);
    case "killPod":
      return member.killPod(ms);
    case "killAll":
      return members.forEach((one) => one.killPod(world.random.between(50, ms + 100)));
    case "killMajority":
      return members.slice(0, Math.floor(members.length / 2) + 1).forEach((one) => one.killPod(ms));
    case "isolate":
    case "isolateLeader":
      return others.forEach(
        (other) => (network.block(member.name, other), network.block(other, member.name)),
      );
    case "cutPair": {
      const other = world.random.pick(others.length > 0 ? others : [member.name]);
      network.block(member.name, other);
      return network.block(other, member.name);
    }
    case "muteOneWay":
      return others.forEach((other) => network.block(member.name, other));
    case "deafenOneWay":
      return others.forEach((other) => network.block(other, member.name));
    case "heal":
      return network.heal();
    case "stallAgent":
      member.stalledUntil = agenda.now + ms;
      return;
    case "stopMysqld":
      member.mysqld.stoppedUntil = agenda.now + ms;
      return;
    case "slowDisk":
      member.slowDiskUntil = agenda.now + 2 * ms;
      return;
    case "transfer":
      return member.post({ type: "transfer", reason: "asked for" });
    case "shutdown":
      return member.shutdown(ms);
    case "wipe":
      return mayLose(world, member) ? (member.killPod(ms), member.wipe()) : undefined;
    case "losePower":
      if (!mayLose(world, member)) return;
      member.killPod(ms);
      return member.losePower(1 + world.random.int(12));
    case "suspend": // The whole machine stops for a while.
      member.stalledUntil = member.mysqld.stoppedUntil = agenda.now + ms;
      return;
    case "clockJump":
      world.clocksJumped = true;
      return member.agent?.jump(ms);
    case "fullDisk":
      member.fullUntil = agenda.now + ms;
      return;
    case "verbsFail":
      member.failingUntil = agenda.now + 2 * ms;
      return;
    case "apiDown":
      world.apiDownUntil = agenda.now + 2 * ms;
      return;
    case "lateNetwork": // What was sent long ago arrives now.
      network.lateness = 0.1;
      network.loss = 0.05;
      return;
    case "rebuild": // Counts as the loss of its data: a stalled agent begins it later than it was asked for.
      return mayLose(world, member) ? member.post({ type: "rebuild" }) : undefined;
    case "badNetwork":
      network.loss = 0.15;
      network.duplication = 0.1;
      network.delayMs = 30;
      return;
    default:
      return reshape(world, kind, member, ms);
  }
}

/** One loss of data at a time: a majority of voters must hold everything (agent.md, Membership and Power loss). */
export function mayLose(world: World, member: Member): boolean {
  const config = world.newestConfig();
  if (config === undefined || world.losses > 0) return false;
  // With k = 0 there is one holder only; what two voters lost one of, no election brings back.
  const fewest = Math.min(config.voters.length, world.controller.names("voter", "witness").length);
  if (config.k === 0 || fewest < 3 || world.isChanging()) return false;
  if (config.witnesses.length > 0 && !world.hearsAll()) return false; // The silent one may be removed next.
  const sound = othersSound(world, member.name);
  if (sound) world.losses++;
  return sound;
}

function othersSound({ members }: World, name: string): boolean {
  return members.every(
    ({ name: other, durable, mysqld, parked }) =>
      parked ||
      other === name ||
      (!durable.abstain && !durable.cloning && !mysqld.volume.unsafe && durable.quarantined === ""),
  );
}

/** Everything is well again: links, disks, processes. */
export function healAll(world: World): void {
  world.trace?.("everything is healed");
  world.network.heal();
  world.network.loss = world.network.duplication = world.network.lateness = 0;
  world.network.delayMs = 4;
  world.apiDownUntil = 0;
  for (const member of world.members) {
    member.failingUntil = member.slowDiskUntil = member.fullUntil = 0;
    member.stalledUntil = Math.min(member.stalledUntil, world.agenda.now);
    member.mysqld.stoppedUntil = 0;
  }
}
