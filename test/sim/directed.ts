/**
 * Stories that lead straight to what random schedules meet in thousands, if ever. Each holds for the real core on
 * every seed, and brings down the mutant it was written for (mutants.ts) on one of the first few. The seed moves the
 * delays; the faults are told by hand, and are such as a random schedule may draw, too.
 */
import type { Message } from "../../agent/raft";
import { born, newLeader } from "./born";
import { healAll } from "./faults";
import type { Member } from "./member";
import { comeToRest } from "./schedule";
import type { World, WorldOptions } from "./world";

export type Story = (options: Partial<WorldOptions>) => void;

const LOST = Infinity;

/** Everyone has the same, nothing is on its way. */
function hush(world: World): void {
  world.clients.paused = true;
  world.run(400);
}

/** Everything is healed and comes to rest. */
export function allIsWell(world: World): void {
  world.carry = world.began = undefined;
  world.clients.paused = false;
  healAll(world);
  comeToRest(world);
}

const isGrant = (message: Message): boolean => message.type === "voteReply" && message.granted;

/**
 * The leader asks another to stand and is stopped before its own fence. A client's commit reaches the voter, and is
 * acknowledged by it, while the voter's receiver is being stopped: the set must be read after that.
 */
export const commitWhileTheVoterStops: Story = (options) => {
  const { world, leader } = born(options);
  hush(world);
  world.network.delayMs = 0.4;
  let candidate: Member | undefined;
  world.carry = (message, from, to) => {
    if (message.type !== "timeoutNow" || from !== leader) return undefined;
    candidate = to;
    leader.stalledUntil = world.agenda.now + 250;
    return undefined;
  };
  world.began = (member, verb) => {
    if (verb !== "stopReceiver" || member === leader || candidate === undefined || member === candidate)
      return;
    world.agenda.after(0.01, () => world.clients.write(leader, () => undefined));
  };
  leader.post({ type: "stalled", term: leader.durable.term });
  world.run(400);
  allIsWell(world);
};

/**
 * One of five received what nobody else acknowledged, and is away. The ex-primary's tail is cut; it leads again, and
 * numbers its transactions anew. Then the one that was away comes back with the old ones.
 */
export const cutAndLeadAgain: Story = (options) => {
  const { world, leader, followers, f1: holder } = born({ ...options, members: 5 });
  for (const { name } of followers) if (name !== holder.name) world.network.block(leader.name, name);
  world.runUntil("a tail that one other has", 400, () => leader.mysqld.waiting >= 2);
  world.run(20);
  leader.killMysqld("story");
  holder.killPod(9_000);
  world.run(50); // What was on the wire is lost.
  world.network.heal();
  world.runUntil("another opens", 5_000, newLeader(world, leader));
  world.runUntil("the ex-primary follows", 5_000, () => leader.mysqld.receiver?.connected === true);
  world.run(600);
  world.openLeader()?.post({ type: "transfer", to: leader.name, reason: "asked for" });
  world.run(600);
  allIsWell(world);
};

/**
 * Two of five stand in one term. The voter grants one and its agent is restarted; then the other's request arrives,
 * late: the vote of that term is given.
 */
export const lateRequestAfterRestart: Story = (options) => {
  const { world, leader } = born({ ...options, members: 5 });
  hush(world);
  let first: Member | undefined;
  let voter: Member | undefined;
  let late: Message | undefined;
  let granted = false;
  world.carry = (message, from, to) => {
    if (message.type === "vote" && first === undefined) first = from;
    if (from === first) {
      // Of the first candidate nothing is heard but one request, and that late.
      if (message.type === "vote" && voter === undefined) [voter, late] = [to, message];
      return LOST;
    }
    if (from === voter && isGrant(message) && !granted) {
      granted = true;
      world.agenda.after(0, () => from.killAgent(20));
    }
    return to === voter && granted ? LOST : undefined;
  };
  leader.killPod(8_000);
  if (world.reaches(2_500, () => granted) && voter !== undefined && late !== undefined) {
    world.run(20 + world.tuning.electionMinMs * 1.01);
    voter.receive(late);
    world.run(100);
  }
  allIsWell(world);
};

/**
 * The first leader has a long tail nobody acknowledged, the second term's survivor a few acknowledged commits: fewer
 * transactions, of a later term, are worth more.
 */
export const longTailOfAnOldTerm: Story = (options) => {
  const { world, leader, followers } = born(options);
  for (const { name } of followers) {
    world.network.block(leader.name, name);
    world.network.block(name, leader.name);
  }
  for (let n = 0; n < 60; n++) world.clients.write(leader, () => undefined);
  leader.killMysqld("story");
  world.runUntil("another opens", 5_000, newLeader(world, leader));
  const second = world.openLeader();
  const { ok } = world.clients;
  world.runUntil("it acknowledges", 1_000, () => world.clients.ok >= ok + 3);
  hush(world);
  const third = followers.find((one) => one !== second);
  // The first leader may ask, the other's own candidacy is lost: only its vote is looked at.
  world.carry = ({ type }, from) =>
    from === third && (type === "vote" || type === "preVote") ? LOST : undefined;
  second?.killPod(12_000);
  world.network.heal();
  world.run(9_000);
  allIsWell(world);
};

/** A follower hears no heartbeats, the other does. Should it be elected, the leader does not learn of it at once. */
export const standsAgainstALivingLeader: Story = (options) => {
  const { world, leader, f1: candidate, f2: voter } = born(options);
  hush(world);
  world.carry = (message, from, to) => {
    if (from === voter && isGrant(message))
      for (const { name } of [candidate, voter]) world.network.block(name, leader.name);
    return from === leader && to === candidate ? LOST : undefined;
  };
  world.reaches(3_000, () => world.judge.newest.member === candidate.name);
  world.clients.paused = false;
  world.run(200);
  allIsWell(world);
};

/** The only other holder of an acknowledged commit is being rebuilt and dies amid it; the one that lacks it stands. */
export const halfAClone: Story = (options) => {
  const { world, leader, f1: holder, f2: behind } = born(options);
  world.network.block(leader.name, behind.name);
  const { ok } = world.clients;
  world.runUntil("commits it lacks", 1_000, () => world.clients.ok >= ok + 3);
  holder.post({ type: "rebuild" });
  world.runUntil("its data is gone", 2_000, () => holder.mysqld.volume.broken);
  holder.killPod(100);
  leader.killPod(6_000);
  world.run(100); // What was on the wire is lost.
  world.network.heal();
  world.run(5_000);
  allIsWell(world);
};
