/** Membership, witness and recovery as stories under load: what is promised, and how long writes pause. */
import { expect, test } from "vitest";
import { born, leaderOf, newLeader } from "./born";
import { comeToRest } from "./schedule";
import type { World } from "./world";

const names = (world: World): string[] =>
  (world.newestConfig()?.voters ?? []).map((id) => id.slice(0, id.indexOf("."))).sort();

/** Longest time without an acknowledged commit while `run` goes on, in simulated ms. */
function longestPause(world: World, limitMs: number, until: () => boolean): number {
  let [last, ok, longest] = [world.agenda.now, world.clients.ok, 0];
  const reached = world.reaches(limitMs, () => {
    const { now } = world.agenda;
    if (world.clients.ok > ok) [last, ok] = [now, world.clients.ok];
    longest = Math.max(longest, now - last);
    return until();
  });
  expect(reached, world.unrest()).toBe(true);
  return longest;
}

test("three become five and three again, under load, without a failover", () => {
  const { world, leader } = born({ shape: { voters: 3, spares: 2 } });
  for (const name of ["m-3", "m-4"]) world.controller.add("voter", name);
  const five = longestPause(world, 15_000, () => names(world).length === 5 && world.unrest() === undefined);
  for (const name of ["m-3", "m-4"]) if (name !== leader.name) world.controller.drop(name);
  const three = longestPause(world, 15_000, () => names(world).length === 3 && world.unrest() === undefined);
  expect(leaderOf(world)).toBe(leader);
  expect(Math.max(five, three)).toBeLessThan(500);
  comeToRest(world);
});

test("the leader itself is scaled in: it hands over, and goes", () => {
  const { world, leader } = born();
  world.controller.drop(leader.name);
  const pause = longestPause(world, 15_000, () => names(world).length === 2 && world.unrest() === undefined);
  expect(leaderOf(world)).not.toBe(leader);
  expect(pause).toBeLessThan(1_000);
  comeToRest(world);
});

test("an emptied volume is replaced by itself", () => {
  const { world, f1 } = born();
  const before = f1.memberId;
  f1.killPod(100);
  f1.wipe();
  longestPause(world, 15_000, () => f1.memberId !== before && world.unrest() === undefined);
  expect(world.newestConfig()?.voters).toContain(f1.memberId);
  expect(world.newestConfig()?.voters).not.toContain(before);
  comeToRest(world);
});

test("two and a witness: one lost, writes go on after two election timeouts; back again, k is 1", () => {
  const { world, leader, followers } = born({ shape: { voters: 2, witness: true } });
  const other = followers.find(({ dataless }) => !dataless);
  other?.killPod(9_000);
  const alone = longestPause(world, 6_000, () => world.newestConfig()?.k === 0 && !leader.mysqld.semisync);
  expect(alone).toBeLessThan(2 * world.tuning.electionMaxMs + 1_000);
  const { ok } = world.clients;
  world.runUntil("it writes alone", 1_000, () => world.clients.ok > ok + 3);
  longestPause(world, 20_000, () => world.newestConfig()?.k === 1 && world.unrest() === undefined);
  comeToRest(world);
});

test("two and a witness: the leader is lost, the other goes on with the witness", () => {
  const { world, leader } = born({ shape: { voters: 2, witness: true } });
  leader.killPod(12_000);
  world.runUntil("the other opens alone", 9_000, newLeader(world, leader));
  expect(names(world)).not.toContain(leader.name);
  comeToRest(world);
});

test("two without a witness: the loss of either stops writes, and nobody is removed", () => {
  const { world, followers } = born({ members: 2 });
  followers[0]?.killPod(12_000);
  world.run(3_000);
  const { ok } = world.clients;
  world.run(7_000);
  expect(world.clients.ok).toBe(ok);
  expect(names(world)).toHaveLength(2);
  comeToRest(world);
});

test("a learner replicates and never acknowledges; one voter becomes three by learners", () => {
  const { world, leader } = born({ shape: { voters: 1, learners: 2 } });
  expect(world.newestConfig()?.voters).toEqual([leader.memberId]);
  world.runUntil("they follow", 5_000, () => world.unrest() === undefined);
  for (const name of ["m-0", "m-1", "m-2"]) world.controller.add("voter", name);
  longestPause(world, 15_000, () => names(world).length === 3 && world.unrest() === undefined);
  expect(leader.mysqld).toMatchObject({ semisync: true, k: 1 });
  comeToRest(world);
});
