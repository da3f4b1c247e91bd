import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { NODES } from "./config";

/** Each node's pods live below a cgroup of their own, so that a node can be counted and killed as a whole. */

const ROOT = "/sys/fs/cgroup";

const isV2 = (): boolean => existsSync(join(ROOT, "cgroup.controllers"));

/** The directories in which a node's cgroup must exist: one per controller in v1, one in v2. */
function hierarchies(): string[] {
  if (isV2()) return [ROOT];
  return readdirSync(ROOT)
    .map((name) => join(ROOT, name))
    .filter((path) => existsSync(join(path, "cgroup.procs")));
}

/** Makes a node's cgroup in every hierarchy. */
export function createCgroup(name: string): void {
  for (const hierarchy of hierarchies()) {
    const dir = join(hierarchy, name);
    mkdirSync(dir, { recursive: true });
    if (!isV2()) copyCpuset(hierarchy, dir);
  }
  if (isV2()) delegate();
  for (const hierarchy of hierarchies()) preferCpu(join(hierarchy, name));
}

/**
 * Ten times the weight that a cgroup has by default. In v1 a node with all its pods would weigh as much as one busy
 * process of the host: a compiler beside the sandbox would then look like a frozen cluster.
 */
function preferCpu(dir: string): void {
  const weights = { "cpu.shares": "10240", "cpu.weight": "1000" };
  for (const [file, weight] of Object.entries(weights)) {
    if (existsSync(join(dir, file))) writeFileSync(join(dir, file), weight);
  }
}

/** The cgroup of the control plane and the nodes' own daemons: without one, busy pods would starve what serves them. */
const SYSTEM = "pp-system";

/** Puts a daemon beside the nodes' pods, with the weight of one node. Call it before the daemon has children. */
export function joinSystemCgroup(pid: number): void {
  for (const hierarchy of hierarchies().filter(weighsCpu)) {
    const dir = join(hierarchy, SYSTEM);
    mkdirSync(dir, { recursive: true });
    if (!isV2()) copyCpuset(hierarchy, dir);
    preferCpu(dir);
    writeFileSync(join(dir, "cgroup.procs"), String(pid));
  }
}

const weighsCpu = (hierarchy: string): boolean => isV2() || existsSync(join(hierarchy, "cpu.shares"));

/** In v1 a new cpuset is empty and admits no process. */
function copyCpuset(from: string, to: string): void {
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    const source = join(from, file);
    if (existsSync(source)) writeFileSync(join(to, file), readFileSync(source));
  }
}

function delegate(): void {
  for (const controller of readFileSync(join(ROOT, "cgroup.controllers"), "utf8").trim().split(" ")) {
    try {
      writeFileSync(join(ROOT, "cgroup.subtree_control"), `+${controller}`);
    } catch {
      continue; // A controller that is bound elsewhere; kubelet says so if it is one that it needs.
    }
  }
}

const CGROUPS: readonly string[] = [...NODES.map((node) => node.netns), SYSTEM];

/** Removes our cgroups, deepest first; they must hold no process any more. */
export function removeCgroups(): void {
  for (const hierarchy of hierarchies()) {
    for (const name of CGROUPS) removeTree(join(hierarchy, name));
  }
}

function removeTree(dir: string): void {
  if (!existsSync(dir)) return;
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(dir, entry.name));
  }
  try {
    rmdirSync(dir);
  } catch {
    return; // A process is still dying in it; the caller looks again.
  }
}

/** Those of our cgroups that still exist. */
export const leftoverCgroups = (): string[] =>
  hierarchies().flatMap((dir) => CGROUPS.map((name) => join(dir, name)).filter((path) => existsSync(path)));
