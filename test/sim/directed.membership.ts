/** Stories about membership, the witness and recovery; see directed.ts. */
import type { Message } from "../../agent/raft";
import { born, newLeader } from "./born";
import { allIsWell, type Story } from "./directed";
import type { Member } from "./member";
import type { World } from "./world";

const versionOf = (world: World): number => world.newestConfig()?.version ?? 0;
const votersOf = (world: World): readonly string[] => world.newestConfig()?.voters ?? [];

function cutOff(world: World, one: Member, ...others: readonly Member[]): void {
  for (const { name } of others) {
    world.network.block(one.name, name);
    world.network.block(name, one.name);
  }
}

/** Two learners are to become voters; the old voters hear of the first only later. */
export const twoAfterAnother: Story = (options) => {
  const { world, leader } = born({ ...options, shape: { voters: 3, learners: 2 } });
  const slow = world.members.filter(({ memberId }) => votersOf(world).includes(memberId));
  world.carry = (message: Message, _from, to) =>
    message.type === "heartbeat" && message.config.version > 1 && slow.includes(to) ? 300 : undefined;
  for (const name of ["m-3", "m-4"]) world.controller.add("voter", name);
  world.reaches(4_000, () => leader.durable.config?.voters.length === 5);
  allIsWell(world);
};

/** The lost voter of two and a witness comes back, follows, and then receives nothing for a while. */
export const comesBackAndHangs: Story = (options) => {
  const { world, leader, followers } = born({ ...options, shape: { voters: 2, witness: true } });
  const other = followers.find(({ dataless }) => !dataless);
  if (other === undefined) throw new Error("no other data voter");
  other.killPod(4_500);
  world.runUntil("one and the witness are left", 8_000, () => votersOf(world).length === 2);
  world.began = (member, verb) => {
    if (verb !== "mark" || member !== leader || other.mysqld.stoppedUntil > 0) return;
    other.mysqld.stoppedUntil = world.agenda.now + 1_200;
    for (let n = 0; n < 3; n++) world.clients.write(leader, () => undefined);
  };
  world.reaches(6_000, () => votersOf(world).length === 3);
  world.run(300);
  allIsWell(world);
};

/** One of four leaves; it hears of it late, and is the only one whose mysqld acknowledges meanwhile. */
export const onlyTheLeavingAcknowledges: Story = (options) => {
  const { world, followers, f1: leaving } = born({ ...options, members: 4 });
  for (const one of followers) if (one !== leaving) one.mysqld.stoppedUntil = world.agenda.now + 1_500;
  world.carry = (message, _from, to) =>
    to === leaving && message.type === "heartbeat" && message.config.version > 1 ? 600 : undefined;
  world.controller.drop(leaving.name);
  world.run(2_000);
  allIsWell(world);
};

/**
 * The leader of two and a witness goes on without the other, then is cut off itself. The other knows the old
 * configuration only, and asks the witness.
 */
export const theWitnessKnowsBetter: Story = (options) => {
  const { world, leader, followers } = born({ ...options, shape: { voters: 2, witness: true } });
  const other = followers.find(({ dataless }) => !dataless);
  const witness = followers.find(({ dataless }) => dataless);
  if (other === undefined || witness === undefined) throw new Error("not two and a witness");
  cutOff(world, other, leader, witness);
  world.runUntil("one and the witness are left", 8_000, () => votersOf(world).length === 2);
  const { ok } = world.clients;
  world.runUntil("it writes alone", 2_000, () => world.clients.ok > ok + 3);
  world.network.heal();
  cutOff(world, leader, other, witness);
  world.run(9_000);
  allIsWell(world);
};

/** Two of three are lost, the third goes on alone by a person's word; then they come back and hear nothing of it. */
export const theLostComeBack: Story = (options) => {
  const { world, leader, followers, f1: survivor } = born(options);
  const lost = [leader, ...followers.filter((one) => one !== survivor)];
  for (const one of lost) one.killPod(6_000);
  world.losses++;
  const to = world.random.uuid();
  world.run(3_000);
  survivor.post({ type: "recover", clusterId: to });
  world.runUntil("it goes on alone", 3_000, () => survivor.mysqld.openForWrites);
  const { ok } = world.clients;
  world.runUntil("it writes", 2_000, () => world.clients.ok > ok + 3);
  for (const one of lost) cutOff(world, survivor, one);
  world.run(9_000);
  allIsWell(world);
};

/** One of four leaves whose agent is dead: its mysqld goes on to acknowledge. */
export const itsAgentIsDead: Story = (options) => {
  const { world, f1: leaving } = born({ ...options, members: 4 });
  leaving.killAgent(5_000);
  world.controller.drop(leaving.name);
  world.run(4_500);
  allIsWell(world);
};

/** The same, and the leader leads again later: the receiver is still pointed at it. */
export const itsAgentIsDeadForLong: Story = (options) => {
  const { world, leader, f1: leaving, f2: next } = born({ ...options, members: 4 });
  leaving.killAgent(12_000);
  leaving.deleteNever = true;
  world.controller.drop(leaving.name);
  world.runUntil("it has left", 5_000, () => votersOf(world).length === 3 && versionOf(world) >= 3);
  world.run(300);
  leader.post({ type: "transfer", to: next.name, reason: "asked for" });
  world.runUntil("another leads", 5_000, newLeader(world, leader));
  world.run(600);
  next.post({ type: "transfer", to: leader.name, reason: "asked for" });
  world.runUntil("it leads again", 5_000, () => world.openLeader() === leader);
  world.run(1_500);
  leaving.deleteNever = false;
  allIsWell(world);
};
