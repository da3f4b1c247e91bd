/** The faults, on whatever runs a mysqld in a pod: everything is looked up first, so that the strike itself is quick. */
import { processStart } from "../../sandbox/processes";
import { cutPod, healPod, isProcess, nodeDown, nodeUp, podProcesses } from "../../sandbox/faults";
import { kube } from "../cluster";
import { sleep } from "../waits";
import type { FaultName } from "./rows";
import type { Struck } from "./subject";

export interface Victim {
  readonly namespace: string;
  readonly pod: string;
  readonly node: string;
  /** Frozen together by `sigstop`. */
  readonly frozen: readonly string[];
}

export type Strike = () => Promise<Struck>;

/** Of a node or network that comes back; sooner, and the outage would prove less than a loss. */
const AWAY_MS = 1_000;

/** How a fault strikes a victim. What differs between subjects (a planned hand-over) is not in here. */
export async function prepareStrike(
  fault: Exclude<FaultName, "switchover">,
  victim: Victim,
): Promise<Strike> {
  const pod = `${victim.namespace}/${victim.pod}`;
  switch (fault) {
    case "mysqld-sigkill":
      return signal(await pidsOf(pod, ["mysqld"]), "SIGKILL");
    case "sigstop":
      return freeze(await pidsOf(pod, victim.frozen));
    case "pod-deleted":
      return () => deletion(victim);
    case "node-lost":
      return async () => {
        const at = Date.now();
        await nodeDown(victim.node);
        return { at, undo: () => sleep(AWAY_MS).then(() => nodeUp(victim.node)) };
      };
    case "partition":
      return async () => {
        const at = Date.now();
        await cutPod(pod, { direction: "both" });
        return { at, undo: () => sleep(AWAY_MS).then(() => healPod(pod)) };
      };
  }
}

async function pidsOf(pod: string, names: readonly string[]): Promise<number[]> {
  const processes = await podProcesses(pod);
  return names.map((name) => {
    const found = processes.find((process) => isProcess(process, name));
    if (!found) throw new Error(`no process ${name} in pod ${pod}`);
    return found.pid;
  });
}

function signal(pids: readonly number[], name: NodeJS.Signals): Strike {
  return () => {
    const at = Date.now();
    for (const pid of pids) process.kill(pid, name);
    return Promise.resolve({ at });
  };
}

function freeze(pids: readonly number[]): Strike {
  const started = new Map(pids.map((pid) => [pid, processStart(pid)]));
  const thaw = async (): Promise<void> => {
    await sleep(AWAY_MS);
    // A supervisor may have killed it meanwhile, and the number may be another's.
    for (const [pid, start] of started) if (processStart(pid) === start) process.kill(pid, "SIGCONT");
  };
  return async () => ({ ...(await signal(pids, "SIGSTOP")()), undo: thaw });
}

async function deletion({ namespace, pod }: Victim): Promise<Struck> {
  const at = Date.now();
  await kube().delete({ apiVersion: "v1", kind: "Pod", namespace, name: pod });
  return { at };
}

/** Ends whatever a trial that failed has left: cuts, a node away, frozen processes. */
export async function undoAll(victims: readonly Omit<Victim, "frozen">[]): Promise<void> {
  for (const { namespace, pod, node } of victims) {
    await nodeUp(node).catch(() => undefined);
    await healPod(`${namespace}/${pod}`).catch(() => undefined);
    const processes = await podProcesses(`${namespace}/${pod}`).catch(() => []);
    for (const { pid } of processes) process.kill(pid, "SIGCONT");
  }
}
