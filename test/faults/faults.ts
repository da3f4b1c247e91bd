/** What can go wrong, each with its opposite. A fault strikes before its promise resolves. */
import { pause } from "./command";
import type { Cluster } from "./cluster";
import type { Member, ProcessKind } from "./member";
import { cut, heal, plug, unplug } from "./network";
import type { Random } from "./plan";

/** Where and how long. */
export interface Scene {
  readonly cluster: Cluster;
  readonly victim: Member;
  readonly others: readonly Member[];
  /** Until the undoing, ms. */
  readonly lastsMs: number;
  readonly random: Random;
}

/** Makes it good again; called once, `lastsMs` after the strike. */
export type Undo = () => Promise<void> | void;
export type Fault = (scene: Scene) => Promise<Undo> | Undo;

/** Of what undoes itself, or is over. */
export const nothing: Undo = () => undefined;

const signal =
  (kind: ProcessKind, name: NodeJS.Signals): Fault =>
  ({ victim }) => {
    victim.signal(kind, name);
    return nothing;
  };

/** Stops a process; lets the same one go on if it still lives. */
const stop =
  (kind: ProcessKind): Fault =>
  ({ victim }) => {
    const pid = victim.pid(kind);
    victim.signal(kind, "SIGSTOP");
    return () => {
      if (pid !== undefined && victim.pid(kind) === pid) victim.signal(kind, "SIGCONT");
    };
  };

const killPods = (members: readonly Member[]): Undo => {
  const gone = members.map((member) => member.kill());
  return async () => {
    await Promise.all(gone);
    for (const member of members) if (!member.runs) member.start();
  };
};

/** Away for so long that what it needs is purged everywhere else: it must clone itself. */
const purgeWhileAway: Fault = ({ cluster, victim }) => {
  const gone = victim.kill();
  return async () => {
    await gone;
    for (const other of cluster.data.filter((member) => member !== victim))
      await purgeLogs(other).catch(() => undefined);
    if (!victim.runs) victim.start();
  };
};

/** The volume is lost with the pod: what comes back under the name is a new member. */
const wipe: Fault = ({ victim }) => {
  const gone = victim.kill();
  return async () => {
    await gone;
    await victim.wipe();
    if (!victim.runs) victim.start();
  };
};

/** Leaves the last binary log; MySQL spares those that a replica is reading. @throws when mysqld is not there. */
async function purgeLogs(member: Member): Promise<void> {
  await member.sql("FLUSH BINARY LOGS", 3_000);
  const logs = await member.sql("SHOW BINARY LOGS", 3_000);
  await member.sql(`PURGE BINARY LOGS TO '${String(logs.at(-1)?.["Log_name"])}'`, 3_000);
}

const cables = (members: readonly Member[]) => members.map(({ cable }) => cable);

/** The victim, and as many others as make up this share of all, on one side; the rest on the other. */
function sides({ cluster, victim, others, random }: Scene): [Member[], Member[]] {
  const count = Math.floor(random() * (cluster.members.length - 1));
  const shuffled = [...others].sort(() => random() - 0.5);
  return [[victim, ...shuffled.slice(0, count)], shuffled.slice(count)];
}

async function split([one, other]: [Member[], Member[]]): Promise<Undo> {
  await Promise.all([
    ...one.map((member) => cut(member.cable, cables(other))),
    ...other.map((member) => cut(member.cable, cables(one))),
  ]);
  return async () => void (await Promise.all([...one, ...other].map((member) => heal(member.cable))));
}

async function flap({ victim, others, random, lastsMs }: Scene): Promise<Undo> {
  const endsAt = performance.now() + lastsMs;
  while (performance.now() < endsAt) {
    await cut(victim.cable, cables(others));
    await pause(100 + random() * 900);
    await heal(victim.cable);
    await pause(50 + random() * 400);
  }
  return nothing;
}

/** Leaves a little: the first writes still fit, a later one is cut in the middle. */
async function fillDisk({ victim, random }: Scene): Promise<Undo> {
  await victim.fillDisk(4_096 + Math.floor(random() * 100_000));
  return () => victim.emptyDisk();
}

const slowFsync = (members: readonly Member[], { random }: Scene): Undo => {
  const ms = 30 + random() * 400;
  for (const { shim } of members) shim.slowFsync(ms);
  return () => members.forEach(({ shim }) => shim.slowFsync(0));
};

/** Seconds to hours, forward or back. */
function jump({ victim, random }: Scene): Undo {
  const ms = 10 ** (3 + random() * 4) * (random() < 0.5 ? -1 : 1);
  victim.shim.moveClock(ms);
  return () => victim.shim.moveClock(0);
}

function freezeAndUnplug({ victim }: Scene): Promise<Undo> {
  victim.freeze();
  return unplug(victim.cable).then(() => async () => {
    await plug(victim.cable);
    victim.thaw();
  });
}

/** SIGTERM to PID 1, as the kubelet sends it; the pod comes back when it has ended. */
function deletePod({ victim }: Scene): Undo {
  victim.signal("supervisor", "SIGTERM");
  // From now on: another fault of the same incident may start it again meanwhile.
  const gone = victim.gone();
  gone.catch(() => undefined); // Told where it is awaited.
  return async () => {
    await gone;
    if (!victim.runs) victim.start();
  };
}

/** A planned switchover is no fault; a fault in the middle of one is. */
async function transfer({ cluster, victim }: Scene): Promise<Undo> {
  const primary = await cluster.primary();
  if (primary !== undefined) await cluster.transfer(primary, victim === primary ? undefined : victim.name);
  return nothing;
}

export const FAULTS = {
  "mysqld-sigkill": signal("mysqld", "SIGKILL"),
  "mysqld-sigterm": signal("mysqld", "SIGTERM"),
  "mysqld-sigstop": stop("mysqld"),
  "agent-sigkill": signal("agent", "SIGKILL"),
  "agent-sigterm": signal("agent", "SIGTERM"),
  "agent-sigstop": stop("agent"),
  "supervisor-sigstop": stop("supervisor"),
  "pod-killed": ({ victim }) => killPods([victim]),
  "pod-deleted": deletePod,
  "pod-frozen": ({ victim }) => {
    victim.freeze();
    return () => victim.thaw();
  },
  "node-lost": freezeAndUnplug,
  "cable-pulled": async ({ victim }) => {
    await unplug(victim.cable);
    return () => plug(victim.cable);
  },
  isolated: async ({ victim, others }) => split([[victim], [...others]]),
  deaf: async ({ victim, others }) => {
    await cut(victim.cable, cables(others), "in");
    return () => heal(victim.cable);
  },
  mute: async ({ victim, others }) => {
    await cut(victim.cable, cables(others), "out");
    return () => heal(victim.cable);
  },
  "pair-cut": async ({ victim, others, random }) => {
    const other = others[Math.floor(random() * others.length)] ?? victim;
    await cut(victim.cable, [other.cable]);
    return () => heal(victim.cable);
  },
  split: (scene) => split(sides(scene)),
  flapping: flap,
  "disk-full": fillDisk,
  "fsync-slow": (scene) => slowFsync([scene.victim], scene),
  "fsync-slow-everywhere": (scene) => slowFsync(scene.cluster.members, scene),
  "clock-jump": jump,
  "purged-while-away": purgeWhileAway,
  "volume-lost": wipe,
  "all-killed": ({ cluster }) => killPods(cluster.members),
  "majority-killed": ({ cluster, victim, others }) =>
    killPods([victim, ...others].slice(0, Math.floor(cluster.members.length / 2) + 1)),
  "all-mysqlds-killed": ({ cluster }) => {
    for (const member of cluster.data) member.signal("mysqld", "SIGKILL");
    return nothing;
  },
  transfer,
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;

/** Faults of a process that a witness does not have. */
export const NEEDS_DATA: ReadonlySet<FaultName> = new Set([
  "mysqld-sigkill",
  "mysqld-sigterm",
  "mysqld-sigstop",
  "purged-while-away",
  "transfer",
]);

/** Faults between members: one alone has none. */
export const NEEDS_PEERS: ReadonlySet<FaultName> = new Set([
  "isolated",
  "deaf",
  "mute",
  "pair-cut",
  "split",
  "flapping",
  "purged-while-away",
  "volume-lost",
  "transfer",
]);

/** Faults of a follower alone: the leader has no reason to change. */
export const SPARE_THE_LEADER: ReadonlySet<FaultName> = new Set([
  "mysqld-sigkill",
  "mysqld-sigterm",
  "mysqld-sigstop",
  "agent-sigkill",
  "agent-sigterm",
  "agent-sigstop",
  "supervisor-sigstop",
  "pod-killed",
  "pod-deleted",
  "pod-frozen",
  "node-lost",
  "cable-pulled",
  "isolated",
  "deaf",
  "mute",
  "flapping",
  "disk-full",
  "fsync-slow",
  "clock-jump",
  "purged-while-away",
  "volume-lost",
]);
