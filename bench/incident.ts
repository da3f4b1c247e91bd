/** One fault on a cluster that clients write to, from a whole cluster to a whole cluster. */
import { names } from "../api/names";
import { deletePod, killInPod, nodeDown, nodeUp } from "../sandbox/faults";
import { awaitHealthy, readEvents, readMembers, readView, type ClusterRef } from "./cluster";
import { longestSilence, silencePerWriter, type Silence } from "./outage";
import { comeback, primaryOf, type Comeback, type PodView, type View } from "./view";
import { sleep, waitFor } from "./waits";
import type { Writers } from "./writers";

/** A fault that has struck. */
export interface Strike {
  /** Epoch, ms. */
  readonly at: number;
  /** Called once another primary serves. */
  readonly undo?: () => Promise<void>;
}

/** How a fault strikes the primary. */
export type Fault = (primary: PodView, ref: ClusterRef) => Promise<Strike>;

/** A node that comes back before Kubernetes has noticed that it was away would prove less. */
const NODE_AWAY_MS = 5_000;

const fullName = (pod: PodView, ref: ClusterRef): string => `${ref.namespace}/${pod.name}`;

/** The faults of the quickstart; the names are those of the rows in out/*.json. */
export const FAULTS = {
  "mysqld-sigkill": async (pod, ref) => ({ at: (await killInPod(fullName(pod, ref), "mysqld")).at }),
  "pod-deleted": async (pod, ref) => {
    const at = Date.now();
    await deletePod(fullName(pod, ref));
    return { at };
  },
  "node-lost": async (pod) => {
    const node = pod.node ?? "";
    const at = Date.now();
    await nodeDown(node);
    const undo = async (): Promise<void> => {
      await sleep(NODE_AWAY_MS);
      await nodeUp(node);
    };
    return { at, undo };
  },
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;

export interface Reign {
  readonly primary: string;
  readonly term: number;
}

/** What a fault did. */
export interface Incident {
  readonly before: Reign;
  readonly after: Reign;
  /** As the clients saw it; absent when none of them wrote before, or none after. */
  readonly outage?: Silence;
  /** The longest silence of each writer, ms. */
  readonly perWriter: readonly number[];
  readonly comeback: Comeback;
  /** From the fault until the cluster was whole, ms. */
  readonly wholeAfterMs: number;
  /** Elections after the one that followed the fault: nothing explains them. */
  readonly furtherElections: number;
}

export interface IncidentOptions {
  /** For the cluster to be whole again; default 180 s. */
  readonly wholeMs?: number;
  readonly instances?: number;
}

/** Strikes the primary and follows it to the end. @throws Overdue, with what did not come. */
export async function incident(
  ref: ClusterRef,
  writers: Writers,
  fault: Fault,
  { wholeMs = 180_000, instances = 3 }: IncidentOptions = {},
): Promise<Incident> {
  const start = await awaitHealthy(ref, { deadlineMs: wholeMs, instances });
  const before = reignOf(start);
  await writers.awaitOk(Date.now(), 10_000);
  const pod = start.pods.find(({ instance }) => instance === before.primary);
  if (!pod) throw new Error(`no pod of ${before.primary}`);
  const strike = await fault(pod, ref);
  const first = await followSuccession(writers, start, strike);
  const whole = await awaitHealthy(ref, { deadlineMs: wholeMs, instances });
  const window = { from: strike.at, to: Date.now() };
  const events = await readEvents(ref, strike.at - 1000);
  const entries = writers.entries();
  return {
    before,
    after: first,
    outage: longestSilence(entries, window),
    perWriter: silencePerWriter(entries, window),
    comeback: comeback(whole.members.get(before.primary), events, strike.at),
    wholeAfterMs: window.to - strike.at,
    furtherElections: reignOf(whole).term - first.term,
  };
}

/** Until a new primary serves and a client wrote to it; then ends the fault, also when that did not come. */
async function followSuccession(writers: Writers, start: View, strike: Strike): Promise<Reign> {
  try {
    const first = await awaitNewTerm(start);
    await writers.awaitOk(Date.now(), 30_000);
    return first;
  } finally {
    await strike.undo?.();
  }
}

/** By the agents alone: the API server may be what is broken. */
function awaitNewTerm(start: View): Promise<Reign> {
  const { primary, term } = reignOf(start);
  return waitFor("a primary of a new term", { deadlineMs: 30_000, everyMs: 100 }, async () => {
    const others = start.pods.filter(({ instance }) => instance !== primary);
    const found = primaryOf({ members: await readMembers(others) });
    if (found && found.term > term) return { value: { primary: found.name, term: found.term } };
    // The struck one may win again: it only lost its mysqld.
    const again = primaryOf({ members: await readMembers(start.pods) });
    if (again && again.term > term) return { value: { primary: again.name, term: again.term } };
    return `still term ${term}, ${found ? found.name : "nobody"} is primary`;
  });
}

/** Who reigns. @throws when nobody does. */
export function reignOf(view: View): Reign {
  const primary = primaryOf(view);
  if (!primary) throw new Error("nobody is primary");
  return { primary: primary.name, term: primary.term };
}

/** The term now; asked of the agents. */
export async function currentTerm(ref: ClusterRef): Promise<number> {
  return reignOf(await readView(ref)).term;
}

/** The pod of the primary as the faults name it: namespace/name. */
export async function primaryPod(ref: ClusterRef): Promise<string> {
  return `${ref.namespace}/${names.pod(reignOf(await readView(ref)).primary)}`;
}
