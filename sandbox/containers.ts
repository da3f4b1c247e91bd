import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { containerdSocket, NODES, type Node } from "./config";
import { podRef } from "./kube";
import { processOf, type Process } from "./processes";
import { run } from "./run";

/** Pods as containerd and the kernel know them, so that faults work while the API server is stopped. */

/** A running pod: its node, the pid of its pause process and those of its containers. */
export interface PodOnNode {
  readonly node: Node;
  readonly pausePid: number;
  readonly containerIds: readonly string[];
}

const ctr = (node: Node, args: readonly string[]): Promise<string> =>
  run("ctr", ["-a", containerdSocket(node.name), "-n", "k8s.io", ...args], { timeoutMs: 20_000 });

/** Finds the running containers of a pod on whichever node has them. @throws when none runs. */
export async function findPod(pod: string): Promise<PodOnNode> {
  for (const node of NODES) {
    const found = await findOn(node, pod);
    if (found) return found;
  }
  throw new Error(`pod ${pod} runs on no node`);
}

async function findOn(node: Node, pod: string): Promise<PodOnNode | undefined> {
  if (!existsSync(containerdSocket(node.name))) return undefined;
  const { namespace, name } = podRef(pod);
  const labels = `labels."io.kubernetes.pod.name"==${name},labels."io.kubernetes.pod.namespace"==${namespace}`;
  const ids = (kind: string): Promise<string[]> =>
    ctr(node, ["containers", "list", "-q", `${labels},labels."io.cri-containerd.kind"==${kind}`]).then(lines);
  const [sandboxes, containers, tasks] = await Promise.all([
    ids("sandbox"),
    ids("container"),
    runningTasks(node),
  ]);
  // Former sandboxes of a pod of the same name stay until they are collected; only one has a task.
  const pausePid = sandboxes.map((id) => tasks.get(id)).find((pid) => pid !== undefined);
  if (pausePid === undefined) return undefined;
  return { node, pausePid, containerIds: containers.filter((id) => tasks.has(id)) };
}

const lines = (text: string): string[] => text.split("\n").filter((line) => line !== "");

async function runningTasks(node: Node): Promise<Map<string, number>> {
  return parseTasks(await ctr(node, ["tasks", "list"]));
}

/** Container id → pid, of the running ones, out of `ctr tasks list`. */
export function parseTasks(table: string): Map<string, number> {
  const rows = lines(table).map((line) => line.trim().split(/\s+/));
  const running = rows.filter(([, , state]) => state === "RUNNING");
  return new Map(running.map(([id = "", pid]) => [id, Number(pid)]));
}

/** All processes of a pod's containers, without its pause. */
export function processesOf(pod: PodOnNode): Process[] {
  return pod.containerIds.flatMap((id) => {
    const dir = containerCgroup(pod.node, id);
    return dir === undefined ? [] : pidsBelow(dir).flatMap((pid) => processOf(pid) ?? []);
  });
}

/** A container's cgroup: memory's in v1, the only one in v2. */
function containerCgroup(node: Node, id: string): string | undefined {
  const root = existsSync("/sys/fs/cgroup/cgroup.controllers") ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
  return findDirectory(join(root, node.netns), id, 6);
}

function findDirectory(dir: string, name: string, depth: number): string | undefined {
  if (depth === 0 || !existsSync(dir)) return undefined;
  const children = readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  if (children.some((entry) => entry.name === name)) return join(dir, name);
  for (const child of children) {
    const found = findDirectory(join(dir, child.name), name, depth - 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function pidsBelow(dir: string): number[] {
  const own = readFileSync(join(dir, "cgroup.procs"), "utf8");
  const children = readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...lines(own).map(Number), ...children.flatMap((child) => pidsBelow(join(dir, child.name)))];
}
