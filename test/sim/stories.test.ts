/** Every "else" of agent.md as a story on the simulator: the seed is fixed, the faults are told by hand. */
import { describe, expect, test } from "vitest";
import { born, leaderOf, newLeader } from "./born";
import type { Member } from "./member";
import { comeToRest } from "./schedule";
import type { World } from "./world";

/** Commits reach nobody from here on: the leader's binary log grows a tail. */
function growTail(world: World, leader: Member): void {
  for (const { name } of world.members) if (name !== leader.name) world.network.block(leader.name, name);
  world.runUntil("a tail", 300, () => leader.mysqld.waiting >= 3);
}

const toldBy = (world: World, { name }: Member): string[] =>
  world.told.filter(({ member }) => member === name).map(({ event }) => event.what);

describe("the ex-primary", () => {
  test("killed with a tail nobody acknowledged, it is cut, and gets a new server UUID", () => {
    const { world, leader } = born();
    growTail(world, leader);
    const tail = leader.mysqld.volume.binlog.slice(leader.mysqld.volume.committed);
    const { uuid } = leader.mysqld.volume;
    leader.killMysqld("story");
    world.run(150); // What was on the wire is lost.
    world.network.heal();
    comeToRest(world);
    expect(leaderOf(world)).not.toBe(leader);
    expect(toldBy(world, leader)).toContain("Rewound");
    expect(leader.mysqld.volume.uuid).not.toBe(uuid);
    for (const { mysqld } of world.members)
      expect(tail.filter((tx) => mysqld.received.holds(tx))).toEqual([]);
  });

  test("hearing no leader, it starts uncut; its tail is then the better set, and wins", () => {
    const { world, leader, followers } = born();
    growTail(world, leader);
    const tail = leader.mysqld.volume.binlog.slice(leader.mysqld.volume.committed);
    leader.killPod(50);
    for (const [at, one] of followers.entries()) one.killPod(9_000 + at * 6_000);
    world.network.heal();
    world.run(8_500);
    expect(leader.durable).toMatchObject({ tail: true, uncut: true });
    comeToRest(world);
    expect(leaderOf(world)).toBe(leader);
    for (const { mysqld } of world.members)
      expect(tail.filter((tx) => !mysqld.received.holds(tx))).toEqual([]);
  });

  test("started uncut and then outvoted, it is cloned: a cut cannot take back what recovery committed", () => {
    const { world, leader, followers } = born();
    growTail(world, leader);
    for (const { name } of followers) world.network.block(name, leader.name);
    leader.killMysqld("story");
    world.runUntil("it starts uncut", 11_000, () => leader.durable.uncut && leader.mysqld.up);
    expect(followers.includes(leaderOf(world))).toBe(true);
    leader.killMysqld("and dies again");
    world.network.heal();
    comeToRest(world);
    expect(toldBy(world, leader)).toEqual(expect.arrayContaining(["TransactionsDiscarded", "Cloned"]));
    expect(leader.durable.quarantined).toBe("");
  });

  test("its agent restarted while mysqld was open: fenced, and the term is never resumed", () => {
    const { world, leader } = born();
    const { term } = leader.durable;
    leader.killAgent(100);
    world.runUntil("the agent is back", 1_000, () => leader.agent !== undefined);
    world.runUntil("it is fenced", 200, () => !leader.mysqld.openForWrites);
    comeToRest(world);
    expect(leaderOf(world).durable.term).toBeGreaterThan(term);
    expect(world.judge.wins.filter((win) => win.term === term)).toHaveLength(1);
  });
});

describe("elections", () => {
  test("a follower with the better set refuses, and wins", () => {
    const { world, leader, f1, f2 } = born();
    world.network.block(leader.name, f1.name);
    world.network.block(f1.name, leader.name);
    world.runUntil("the other is ahead", 400, () => f2.mysqld.received.size > f1.mysqld.received.size + 2);
    leader.killPod(20_000);
    world.runUntil("someone opens", 6_000, newLeader(world, leader));
    expect(leaderOf(world)).toBe(f2);
    expect(world.judge.wins.some(({ member }) => member === f1.name && world.openLeader() !== f1)).toBe(
      false,
    );
  });

  test("mysqld's death hands over at once: nobody waits for an election timeout", () => {
    const { world, leader } = born();
    const at = world.agenda.now;
    leader.killMysqld("story");
    world.runUntil("another opens", world.tuning.electionMinMs, newLeader(world, leader));
    expect(world.agenda.now - at).toBeLessThan(world.tuning.electionMinMs);
  });

  test("SIGTERM hands over; the clients' commits all end well", () => {
    const { world, leader } = born();
    const { unknown } = world.clients;
    leader.shutdown(500);
    world.runUntil("another opens", 1_500, newLeader(world, leader));
    expect(toldBy(world, leaderOf(world))).toContain("SwitchedOver");
    expect(world.clients.unknown - unknown).toBeLessThanOrEqual(3); // At most one for each writer: cut in mid-commit.
    comeToRest(world);
  });

  test("a leader that hears nobody falls silent: its one-way heartbeats hold off no election", () => {
    const { world, leader, followers } = born();
    for (const { name } of followers) world.network.block(name, leader.name);
    world.runUntil(
      "it steps down",
      world.tuning.leaseMs + 300,
      () => leader.agent?.state.role.role === "follower",
    );
    world.runUntil("another opens", 4_000, newLeader(world, leader));
    expect(leader.mysqld.openForWrites).toBe(false);
    world.network.heal();
    comeToRest(world);
  });

  test("a follower cut off and back again unseats nobody", () => {
    const { world, leader, f1 } = born();
    const { term } = leader.durable;
    for (const { name } of world.members)
      if (name !== f1.name) (world.network.block(name, f1.name), world.network.block(f1.name, name));
    world.run(4_000);
    world.network.heal();
    comeToRest(world);
    expect(leaderOf(world)).toBe(leader);
    expect(leader.durable.term).toBe(term);
  });

  test("the whole cluster is restarted: all that was acknowledged is there", () => {
    const { world } = born();
    const acknowledged = world.judge.acknowledged.length;
    for (const member of world.members) member.killPod(300);
    comeToRest(world); // The judge looks for each of them.
    expect(acknowledged).toBeGreaterThan(20);
  });

  test("five members, two lost: the rest goes on", () => {
    const { world, leader, f1 } = born({ members: 5 });
    leader.killPod(15_000);
    f1.killPod(15_000);
    world.runUntil("another opens", 5_000, newLeader(world, leader));
    const { ok } = world.clients;
    world.run(1_000);
    expect(world.clients.ok).toBeGreaterThan(ok);
    comeToRest(world);
  });
});

describe("power loss", () => {
  test("all lose power: the abstainers elect the one who won, and are cloned from it", () => {
    const { world, leader, followers } = born();
    for (const member of world.members) {
      member.killPod(500);
      member.losePower(5);
    }
    comeToRest(world);
    expect(leaderOf(world)).toBe(leader);
    for (const one of followers) expect(toldBy(world, one)).toContain("Cloned");
  });

  test("and without that one they elect nobody: only a command may give up what was acknowledged", () => {
    const { world, leader, followers } = born();
    leader.killPod(60_000);
    for (const one of followers) {
      one.killPod(500);
      one.losePower(5);
    }
    world.run(15_000);
    expect(world.openLeader()).toBeUndefined();
    expect(world.judge.wins).toHaveLength(1);
  });
});

describe("promotion and clones", () => {
  test("a drain that fails hands over to another member", () => {
    const { world, leader, f1 } = born();
    f1.failing.add("drain");
    leader.post({ type: "transfer", to: f1.name, reason: "asked for" });
    world.runUntil("another opens", 6_000, () => {
      const open = world.openLeader();
      return open !== undefined && open.durable.term > 1;
    });
    expect(leaderOf(world)).not.toBe(f1);
    expect(world.judge.wins.map(({ member }) => member)).toContain(f1.name);
    comeToRest(world);
  });

  test("an interrupted clone is begun again", () => {
    const { world, f1 } = born();
    f1.post({ type: "rebuild" });
    world.runUntil("its data is gone", 2_000, () => f1.mysqld.volume.broken);
    f1.killPod(200);
    comeToRest(world);
    expect(toldBy(world, f1)).toContain("Cloned");
    expect(f1.durable).toMatchObject({ cloning: false, abstain: false });
  });

  test("a slice written late by a former leader is not written", () => {
    const { world, leader } = born();
    world.apiDownUntil = world.agenda.now + 6_000;
    leader.killMysqld("story");
    world.runUntil("another opens", 3_000, newLeader(world, leader));
    const second = leaderOf(world);
    second.killMysqld("story");
    world.runUntil("a third term opens", 5_000, newLeader(world, second));
    const { member, term } = world.judge.newest;
    world.run(8_000);
    expect(world.slice).toMatchObject({ member, term });
  });

  test("what someone wrote on a replica is quarantined and serves no reads, until a rebuild", () => {
    const { world, leader, f1, f2 } = born();
    f1.mysqld.foreignWrite();
    for (const { name } of [leader, f2]) world.network.block(f1.name, name); // Else its set is the better one.
    leader.post({ type: "transfer", to: f2.name, reason: "asked for" });
    world.runUntil("it opens", 3_000, () => world.openLeader() === f2);
    world.network.heal();
    world.runUntil("the foreign write is found", 2_000, () => f1.durable.quarantined !== "");
    world.run(3_000);
    expect(f1.mysqld).toMatchObject({ offline: true, receiver: undefined });
    f1.post({ type: "rebuild" });
    comeToRest(world);
    expect(f1.durable.quarantined).toBe("");
  });

  test("what someone writes on a replica is found while its leader leads on", () => {
    const { world, leader, f1, f2 } = born();
    f1.mysqld.foreignWrite();
    world.runUntil("it is found", 2_000, () => f1.durable.quarantined !== "");
    expect(f1.mysqld).toMatchObject({ offline: true, receiver: undefined });
    expect(toldBy(world, f1)).toContain("Diverged");
    leader.post({ type: "transfer", to: f2.name, reason: "asked for" });
    world.runUntil("another leads, without it", 3_000, () => world.openLeader() === f2);
    f1.post({ type: "rebuild" });
    comeToRest(world);
    expect(f1.durable.quarantined).toBe("");
  });

  test("an acknowledgement lost with its connection: a nudge brings the commit home", () => {
    const { world, leader, followers } = born();
    for (const { name } of followers) world.network.block(name, leader.name);
    world.runUntil("a commit waits", 200, () => leader.mysqld.waiting > 0);
    world.clients.paused = true;
    world.run(20);
    for (const { mysqld } of followers) mysqld.receiver?.wire?.breakOff();
    world.network.heal();
    world.runUntil("nothing waits", 1_500, () => leader.mysqld.waiting === 0);
    expect(leader.mysqld.volume.binlog.some(({ kind }) => kind === "nudge")).toBe(true);
    world.clients.paused = false;
    comeToRest(world);
  });
});
