import { existsSync, rmSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { nodeNamed, paths } from "./config";
import { findPod, processesOf, type PodOnNode } from "./containers";
import { kubectl, podIp, podRef } from "./kube";
import { daemonPid, type Process } from "./processes";
import { Refusal, run } from "./run";

/**
 * What can go wrong with a cluster, as functions. Each takes effect before it returns and has an opposite where
 * nature has one. A pod is `name` (namespace default) or `namespace/name`.
 */

/** `mysqld`, `agent` and `supervisor` by what they are; any other word is a process name as in /proc/PID/comm. */
export type ProcessName = "mysqld" | "agent" | "supervisor" | (string & {});

/** What was hit, and when (epoch, ms), so that a test can measure from there. */
export interface Hit {
  readonly pids: readonly number[];
  readonly at: number;
}

/** Whether a process is the one meant by a name. Agent and supervisor are Node.js processes: their script tells. */
export function isProcess(process: Pick<Process, "comm" | "cmdline">, name: ProcessName): boolean {
  if (name === "agent" || name === "supervisor") {
    // An agent on trial runs from agent.next.js (agent/supervisor/protocol.ts).
    const script = new RegExp(`(^|/)${name}(\\.next)?\\.js$`);
    return process.cmdline.slice(0, 8).some((word) => script.test(word));
  }
  return process.comm === name;
}

/** Sends a signal to a process inside a pod, from outside. @throws when the pod has no such process. */
export async function killInPod(
  pod: string,
  name: ProcessName,
  signal: NodeJS.Signals = "SIGKILL",
): Promise<Hit> {
  return signalAll(await findPod(pod), { pod, name, signal });
}

function signalAll(found: PodOnNode, what: { pod: string; name: ProcessName; signal: NodeJS.Signals }): Hit {
  const hit = processesOf(found).filter((candidate) => isProcess(candidate, what.name));
  if (hit.length === 0) throw new Error(`no process ${what.name} in pod ${what.pod}`);
  const at = Date.now();
  for (const { pid } of hit) process.kill(pid, what.signal);
  return { pids: hit.map(({ pid }) => pid), at };
}

/** Freezes a process (SIGSTOP): it holds its connections and says nothing. */
export const stopInPod = (pod: string, name: ProcessName): Promise<Hit> => killInPod(pod, name, "SIGSTOP");

/** Lets a frozen process go on. */
export const continueInPod = (pod: string, name: ProcessName): Promise<Hit> =>
  killInPod(pod, name, "SIGCONT");

/** The processes of a pod's containers, for assertions. */
export async function podProcesses(pod: string): Promise<Process[]> {
  return processesOf(await findPod(pod));
}

/** Deletes a pod through the API, as an eviction would; does not wait for its end. `graceSeconds` 0 is at once. */
export async function deletePod(pod: string, options: { graceSeconds?: number } = {}): Promise<void> {
  const { namespace, name } = podRef(pod);
  const grace = options.graceSeconds;
  const force = grace === 0 ? ["--force"] : [];
  const args = grace === undefined ? [] : [`--grace-period=${grace}`, ...force];
  await kubectl(["-n", namespace, "delete", "pod", name, "--wait=false", ...args]);
}

/** Takes a node off the network, without a packet of farewell. Its pods run on, and reach those on the same node. */
export async function nodeDown(node: string): Promise<void> {
  // The host's end: inside the namespace the routes would go and connections would fail at once.
  await run("ip", ["link", "set", nodeNamed(node).link, "down"]);
}

/** Brings a node back. */
export async function nodeUp(node: string): Promise<void> {
  await run("ip", ["link", "set", nodeNamed(node).link, "up"]);
}

export interface Cut {
  /** "in": the pod hears nothing; "out": nobody hears the pod. */
  readonly direction: "both" | "in" | "out";
  /** Only the traffic with this pod or address; absent: with everybody, kubelet's probes included. */
  readonly peer?: string;
}

/** Drops a pod's traffic, that of open connections too. Cuts add up until `healPod`. */
export async function cutPod(pod: string, cut: Cut): Promise<void> {
  const { pausePid } = await findPod(pod);
  const peer = cut.peer === undefined ? undefined : await address(cut.peer);
  for (const rule of cutRules(cut.direction, peer)) await inPod(pausePid, ["iptables", "-w", "-I", ...rule]);
}

/** The rules of a cut, as iptables takes them after -I. The loopback is spared: mysqld and agent are one machine. */
export function cutRules(direction: Cut["direction"], peer?: string): string[][] {
  const incoming = ["INPUT", "!", "-i", "lo", ...(peer === undefined ? [] : ["-s", peer]), "-j", "DROP"];
  const outgoing = ["OUTPUT", "!", "-o", "lo", ...(peer === undefined ? [] : ["-d", peer]), "-j", "DROP"];
  if (direction === "in") return [incoming];
  if (direction === "out") return [outgoing];
  return [incoming, outgoing];
}

/** Ends every cut of a pod. */
export async function healPod(pod: string): Promise<void> {
  const { pausePid } = await findPod(pod);
  await inPod(pausePid, ["iptables", "-w", "-F"]);
}

const isAddress = (text: string): boolean => /^\d+\.\d+\.\d+\.\d+(\/\d+)?$/.test(text);

const address = (peer: string): Promise<string> => (isAddress(peer) ? Promise.resolve(peer) : podIp(peer));

// The pause's namespace outlives every restart of a container.
const inPod = (pausePid: number, command: readonly string[]): Promise<string> =>
  run("nsenter", [`--net=/proc/${pausePid}/ns/net`, "--", ...command]);

const FILLER = ".porpoise-fill";

/**
 * Fills the file system under a path of a pod, leaving `leaveBytes` (default 0). Only volumes with a file system
 * of their own: the storage class `limited`, or an emptyDir in memory. @throws Refusal for the machine's disk.
 */
export async function fillVolume(pod: string, path: string, leaveBytes = 0): Promise<number> {
  const dir = await insidePod(pod, path);
  if (statSync(dir).dev === statSync(paths().state).dev) {
    throw new Refusal(`${path} of ${pod} lies on this machine's own disk: use the storage class limited.`);
  }
  const { bavail, bsize } = statfsSync(dir);
  const bytes = Math.max(0, Number(bavail) * Number(bsize) - leaveBytes);
  // Allocated, not written: on the sparse file beneath it costs no disk.
  if (bytes > 0) await run("fallocate", ["-l", String(bytes), join(dir, FILLER)]);
  return bytes;
}

/** Gives the space back. */
export async function emptyVolume(pod: string, path: string): Promise<void> {
  rmSync(join(await insidePod(pod, path), FILLER), { force: true });
}

async function insidePod(pod: string, path: string): Promise<string> {
  for (const { pid } of processesOf(await findPod(pod))) {
    const dir = `/proc/${pid}/root${path}`;
    if (existsSync(dir)) return dir;
  }
  throw new Error(`no directory ${path} in pod ${pod}`);
}

function signalApi(signal: NodeJS.Signals): void {
  const pid = daemonPid("kube-apiserver");
  if (pid === undefined) throw new Error("the API server does not run");
  process.kill(pid, signal);
}

/** Freezes the API server: connections stay open and nothing answers. */
export const stopApi = (): void => signalApi("SIGSTOP");

/** Lets the API server go on. */
export const startApi = (): void => signalApi("SIGCONT");
