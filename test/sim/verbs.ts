/**
 * The verbs on the model of mysqld: each a little program that yields what it waits for, ms or a condition. Between
 * two statements anything may happen: the agent stalls or dies, mysqld dies, the term moves on.
 */
import { containsGtid, filterGtid, formatGtidSet, parseGtidSet, subtractGtid } from "../../api/gtid";
import type { Term, Verb, VerbEvent, VerbName } from "../../agent/raft";
import { newTx, type Tx } from "./gtids";
import type { Mysqld } from "./mysqld";
import type { Random } from "./random";
import { Receiver, type Surroundings } from "./replication";

/** Ways to break what the port or the runner promises; mutants.ts proves that each is noticed. */
export type Bug =
  | "readsBeforeStop"
  | "skipsBarrier"
  | "skipsFence"
  | "armsWithoutSemisync"
  | "followsWithoutComparing"
  | "cutsNothing"
  | "keepsServerUuid"
  | "votesNotPersisted"
  | "termsNotPersisted"
  | "terminatesOnFence"
  | "learnersAcknowledge"
  | "drainSkipped"
  | "excludesNobody"
  | "setAcksIgnored"
  | "finiteTimeout"
  | "waitsForNoReplica";

export interface VerbWorld {
  readonly mysqld: Mysqld;
  readonly random: Random;
  readonly around: Surroundings;
  readonly bugs: ReadonlySet<Bug>;
  readonly now: () => number;
  /** SIGKILL mysqld, as the fence does. */
  kill(): void;
  instanceOf(memberId: string): string;
  /** Told before the verb's end is known to the agent. */
  onFollowed(target: { readonly name: string; readonly term: Term }): void;
  onOpened(term: Term): void;
  onExcluded(member: string, out: boolean): void;
}

export type Wait = number | (() => boolean);
export type Program = Generator<Wait, readonly VerbEvent[], void>;

export class VerbFailure extends Error {}

/** Those bound to no term and able to run without mysqld. */
export const UNBOUND: ReadonlySet<VerbName> = new Set(["startMysqld", "rewind", "clone", "fence"]);

// eslint-disable-next-line complexity -- one line for each verb
export function programOf(world: VerbWorld, term: Term, verb: Verb): Program {
  switch (verb.verb) {
    case "startMysqld":
      return startMysqld(world);
    case "stopReceiver":
      return stopReceiver(world, term);
    case "readReceived":
      return readReceived(world, term);
    case "fence":
      return fence(world, term);
    case "drain":
      return drain(world, term);
    case "arm":
      return arm(world, term, verb.k);
    case "barrier":
      return barrier(world, term, verb.clusterId);
    case "open":
      return open(world, term);
    case "quiesce":
      return quiesce(world, term);
    case "follow":
      return follow(world, term, verb);
    case "rewind":
      return rewind(world, term, verb.electedSet);
    case "clone":
      return clone(world, term, verb.donor);
    case "mark":
      return mark(world, term, verb);
    case "setAcks":
      return setAcks(world, term, verb.k);
    case "exclude":
      return exclude(world, term, verb.member);
    case "admit":
      return admit(world, term, verb.member);
  }
}

const ready = (mysqld: Mysqld): VerbEvent => ({
  type: "mysqldReady",
  received: mysqld.received.text(),
  serverUuid: mysqld.volume.uuid,
});

const inAnyOrder = (random: Random, events: VerbEvent[]): VerbEvent[] =>
  random.odds(0.5) ? events : events.reverse();

function* startMysqld({ mysqld, random }: VerbWorld): Program {
  if (!mysqld.up) {
    yield random.between(50, 250);
    mysqld.volume.committed = mysqld.volume.binlog.length; // Recovery is done before anyone can connect.
    yield random.between(50, 400);
    mysqld.boot();
  }
  yield random.between(1, 5);
  return [ready(mysqld)];
}

function* stopReceiver({ mysqld, random, bugs }: VerbWorld, term: Term): Program {
  const early = mysqld.received.text();
  yield random.between(0.5, 12);
  mysqld.receiver?.stop();
  mysqld.receiver = undefined;
  yield random.between(0.2, 2);
  const received = bugs.has("readsBeforeStop") ? early : mysqld.received.text();
  return [{ type: "receiverStopped", term, received }];
}

function* readReceived({ mysqld, random }: VerbWorld, term: Term): Program {
  yield random.between(0.3, 4);
  return [{ type: "receivedRead", term, received: mysqld.received.text() }];
}

function* fence({ mysqld, random, bugs, kill, now }: VerbWorld, term: Term): Program {
  yield random.odds(0.1) ? random.between(1, 40) : random.between(0.2, 1);
  if (bugs.has("skipsFence")) return [{ type: "fenced", term, killed: false }];
  if (!mysqld.up) return [{ type: "fenced", term, killed: true }];
  if (bugs.has("terminatesOnFence")) mysqld.terminate();
  const limit = now() + 60;
  yield () => mysqld.stoppedUntil <= now() || now() >= limit;
  if (mysqld.stoppedUntil > now()) kill();
  else {
    mysqld.offline = true;
    mysqld.cutClients();
  }
  yield random.between(0.5, 12);
  if (!mysqld.up) return [{ type: "fenced", term, killed: true }];
  if (mysqld.waiting > 0) {
    kill(); // super_read_only would queue behind the waiting commits.
    return [{ type: "fenced", term, killed: true }];
  }
  mysqld.superReadOnly = mysqld.readOnly = true;
  mysqld.disarm();
  return [{ type: "fenced", term, killed: false }];
}

function* drain({ mysqld, random, bugs, around }: VerbWorld, term: Term): Program {
  yield random.between(0.5, 5);
  mysqld.offline = true;
  mysqld.cutClients();
  mysqld.applier = true;
  if (bugs.has("drainSkipped")) return [{ type: "drained", term }];
  around.wake(mysqld.name);
  yield () => mysqld.volume.relay.length === 0 && mysqld.waiting === 0;
  yield random.between(0.2, 3);
  mysqld.applier = false;
  return [{ type: "drained", term }];
}

function* arm(world: VerbWorld, term: Term, k: number): Program {
  const { mysqld, random, bugs, onExcluded } = world;
  yield random.between(0.5, 8);
  for (const instance of mysqld.locked) onExcluded(instance, false);
  mysqld.locked.clear();
  mysqld.arm(bugs.has("armsWithoutSemisync") ? 0 : k);
  yield random.between(0.2, 2);
  if (bugs.has("finiteTimeout") || bugs.has("waitsForNoReplica")) switchesOff(world, mysqld.volume.committed);
  return [{ type: "armed", term }];
}

/** Semi-sync that gives up: after a timeout, or when nobody is connected (wait_no_replica=OFF). Mutants only. */
function switchesOff(world: Pick<VerbWorld, "mysqld" | "around" | "bugs">, committed: number): void {
  const { mysqld, around, bugs } = world;
  around.agenda.after(600, () => {
    const { incarnation } = mysqld;
    if (!mysqld.up || !mysqld.semisync) return;
    const stuck = mysqld.waiting > 0 && mysqld.volume.committed === committed;
    if (bugs.has("finiteTimeout") ? stuck : mysqld.wires.size === 0) mysqld.disarm();
    else if (incarnation === mysqld.incarnation) switchesOff(world, mysqld.volume.committed);
  });
}

function* barrier({ mysqld, random, bugs }: VerbWorld, term: Term, clusterId: string): Program {
  yield random.between(0.5, 5);
  mysqld.superReadOnly = false;
  yield random.between(0.2, 2);
  yield () => !mysqld.full;
  const tx = newTx(clusterId, term, "barrier");
  if (bugs.has("skipsBarrier") || mysqld.received.has(tx.gtid)) return [{ type: "barrierAcked", term }]; // MySQL skips a known GTID, says OK.
  mysqld.append(tx);
  yield* committed(mysqld, tx);
  return [{ type: "barrierAcked", term }];
}

function* open({ mysqld, random, onOpened }: VerbWorld, term: Term): Program {
  yield random.between(0.2, 4);
  mysqld.readOnly = false;
  yield random.between(0.2, 4);
  onOpened(term);
  mysqld.offline = false;
  return [{ type: "opened", term }];
}

function* quiesce({ mysqld, random }: VerbWorld, term: Term): Program {
  yield random.between(0.2, 4);
  mysqld.offline = true;
  mysqld.cutClients();
  yield () => mysqld.waiting === 0;
  return [{ type: "quiesced", term, executed: mysqld.received.text() }];
}

/** Waits for the engine's commit: AFTER_SYNC, in order. */
function* committed(mysqld: Mysqld, tx: Tx): Generator<Wait, void, void> {
  yield () => mysqld.received.holds(tx);
}

type FollowVerb = Extract<Verb, { verb: "follow" }>;

function* follow(world: VerbWorld, term: Term, verb: FollowVerb): Program {
  const { mysqld, random, around, bugs } = world;
  yield random.between(0.5, 8);
  mysqld.receiver?.stop();
  mysqld.receiver = undefined;
  yield random.between(0.3, 4);
  const errant = errantOf(mysqld.received.text(), verb, term);
  if (errant !== "" && !bugs.has("followsWithoutComparing")) {
    mysqld.offline = true;
    mysqld.cutClients();
    return [{ type: "diverged", term, errant }];
  }
  mysqld.disarm();
  mysqld.applier = true;
  mysqld.volume.relaxed = true;
  const target = {
    name: world.instanceOf(verb.leader),
    term,
    acknowledge: verb.acknowledge || bugs.has("learnersAcknowledge"),
  };
  mysqld.receiver = new Receiver(mysqld, target, around);
  mysqld.offline = false;
  around.wake(mysqld.name);
  world.onFollowed(target);
  return [{ type: "followed", term }];
}

/** What was received and the leader lacks. What the leader itself wrote since its election is not errant. */
function errantOf(
  received: string,
  { electedSet, leaderUuid, clusterId, markers }: FollowVerb,
  term: Term,
): string {
  const beyond = subtractGtid(parseGtidSet(received), parseGtidSet(electedSet));
  const barrier = parseGtidSet(`${clusterId}:${term},${markers}`);
  return formatGtidSet(
    subtractGtid(
      filterGtid(beyond, (uuid) => uuid !== leaderUuid),
      barrier,
    ),
  );
}

function* rewind({ mysqld, random, bugs }: VerbWorld, term: Term, electedSet: string): Program {
  yield random.between(5, 30);
  const elected = parseGtidSet(electedSet);
  const lacks = (tx: Tx): boolean => !containsGtid(elected, parseGtidSet(tx.gtid));
  const { volume } = mysqld;
  if (volume.broken || volume.relay.some(lacks))
    return [{ type: "rewound", term, result: "impossible", errant: "" }];
  const first = volume.binlog.findIndex(lacks);
  const cut = first < 0 || bugs.has("cutsNothing") ? [] : volume.binlog.slice(first);
  const inEngine = first < 0 ? [] : volume.binlog.slice(first, volume.committed).filter(lacks);
  if (inEngine.length > 0) {
    yield random.between(100, 600);
    mysqld.boot(); // The detector: gtid_executed still has them.
    return [ready(mysqld), { type: "rewound", term, result: "committed", errant: names(inEngine) }];
  }
  volume.binlog.splice(volume.binlog.length - cut.length);
  volume.committed = Math.min(volume.committed, volume.binlog.length);
  if (cut.length > 0 && !bugs.has("keepsServerUuid")) volume.uuid = random.uuid();
  yield random.between(100, 600);
  mysqld.boot();
  return inAnyOrder(random, [ready(mysqld), { type: "rewound", term, result: "ok", errant: names(cut) }]);
}

const names = (list: readonly Tx[]): string =>
  formatGtidSet(parseGtidSet(list.map(({ gtid }) => gtid).join(",")));

function* clone(
  { mysqld, random, around, kill, instanceOf, bugs }: VerbWorld,
  term: Term,
  donor: string,
): Program {
  const source = around.mysqldOf(instanceOf(donor));
  const { network } = around;
  yield random.between(20, 300);
  const reachable = (): boolean =>
    network.up(mysqld.name, instanceOf(donor)) && network.up(instanceOf(donor), mysqld.name);
  if (source === undefined || !source.up || source === mysqld || !reachable())
    throw new VerbFailure("no donor");
  kill(); // The recipient drops its data, and restarts at the end.
  mysqld.volume.broken = true;
  const { incarnation } = source;
  const limit = around.agenda.now + 3_000;
  const until = around.agenda.now + random.between(100, 800);
  yield () =>
    !source.up ||
    around.agenda.now > limit ||
    (around.agenda.now >= until && source.waiting === 0 && reachable()); // A waiting commit blocks it (H).
  if (!source.up || source.incarnation !== incarnation || around.agenda.now > limit)
    throw new VerbFailure("clone broken off");
  mysqld.cloneFrom(source, bugs.has("keepsServerUuid") ? mysqld.volume.uuid : random.uuid());
  yield random.between(50, 300);
  mysqld.boot();
  return inAnyOrder(random, [ready(mysqld), { type: "cloned", term }]);
}

function* mark(
  { mysqld, random }: VerbWorld,
  term: Term,
  { to, marker }: Extract<Verb, { verb: "mark" }>,
): Program {
  yield random.between(0.3, 3);
  yield () => !mysqld.full;
  const [source = "", n] = marker.split(":");
  const tx = newTx(source, Number(n), "marker");
  mysqld.append(tx);
  yield* committed(mysqld, tx);
  return [{ type: "marked", term, marker, to }];
}

function* setAcks({ mysqld, random, bugs }: VerbWorld, term: Term, k: number): Program {
  yield random.between(0.3, 5);
  if (!bugs.has("setAcksIgnored")) mysqld.setAcks(k);
  yield random.between(0.2, 2);
  return [{ type: "acksSet", term, k }];
}

function* exclude(world: VerbWorld, term: Term, member: string): Program {
  const { mysqld, random, instanceOf, bugs } = world;
  yield random.between(0.5, 10);
  if (!bugs.has("excludesNobody")) mysqld.exclude(instanceOf(member));
  yield random.between(0.2, 5);
  world.onExcluded(member, true);
  return [{ type: "excluded", term, member }];
}

function* admit({ mysqld, random, instanceOf, onExcluded }: VerbWorld, term: Term, member: string): Program {
  yield random.between(0.5, 5);
  onExcluded(member, false);
  mysqld.locked.delete(instanceOf(member));
  return [{ type: "admitted", term, member }];
}
