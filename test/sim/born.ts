/** Where stories begin: a cluster that has been open for a while. */
import type { Member } from "./member";
import { World, type WorldOptions } from "./world";

/** A cluster of three with seed 11 unless told otherwise; it has a leader, its clients write. */
export function born(options: Partial<WorldOptions> = {}) {
  const world = new World({ seed: 11, members: 3, ...options });
  world.runUntil("the cluster is born", 10_000, () => world.unrest() === undefined);
  world.run(800);
  const leader = leaderOf(world);
  const followers = world.members.filter((member) => member !== leader);
  return { world, leader, followers, f1: followers[0] as Member, f2: followers[1] as Member };
}

/** @throws Error when nobody leads and is open. */
export function leaderOf(world: World): Member {
  const leader = world.openLeader();
  if (leader === undefined) throw new Error(`no open leader: ${world.describe()}`);
  return leader;
}

/** Whether another than `old` leads and is open. */
export const newLeader = (world: World, old: Member) => (): boolean =>
  world.openLeader() !== undefined && world.openLeader() !== old;
