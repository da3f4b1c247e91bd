import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { leftoverCgroups, removeCgroups } from "./cgroups";
import { CHECKOUT, CONTROL_PLANE, NETWORK, NODES, paths, RUN_DIR, stateDir } from "./config";
import { step } from "./log";
import { removeNetwork } from "./network";
import { anyProcess, processOf, sandboxProcesses } from "./processes";
import { trySync, until } from "./run";

/**
 * Takes a sandbox away, whole or half-built, ours or a dead checkout's: it looks at the machine, not at what a
 * former run noted. Kubelets first, or they would restart what is killed.
 */
export async function removeSandbox(
  checkout: string = CHECKOUT,
  options = { keepLogs: false },
): Promise<void> {
  await step("  processes ended", endProcesses);
  await step("  mounts removed", () => {
    for (const mount of ourMounts(checkout)) trySync("umount", ["-l", mount]);
    removeLoops(checkout);
  });
  await step("  network removed", removeNetwork);
  await step("  cgroups removed", endCgroups);
  await step("  files removed", () => removeFiles(checkout, options.keepLogs));
}

async function endProcesses(): Promise<void> {
  kill((pid) => processOf(pid)?.comm === "kubelet");
  await until("all processes ended", 60_000, () => {
    kill(() => true);
    return sandboxProcesses().length === 0;
  });
}

async function endCgroups(): Promise<void> {
  await until("all cgroups removed", 30_000, () => {
    removeCgroups();
    return leftoverCgroups().length === 0;
  });
}

function kill(which: (pid: number) => boolean): void {
  for (const { pid } of sandboxProcesses()) {
    if (pid === process.pid || !which(pid)) continue;
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      continue; // Gone meanwhile.
    }
  }
}

/** Mount points below our directories, deepest first. */
function ourMounts(checkout: string): string[] {
  const prefixes = [`${stateDir(checkout)}/`, `${RUN_DIR}/`];
  return readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => (line.split(" ")[1] ?? "").replace(/\\040/g, " "))
    .filter((path) => prefixes.some((prefix) => path.startsWith(prefix)))
    .sort((a, b) => b.length - a.length);
}

/** Loop devices whose file lies in our state; after a lazy unmount they may linger. */
function ourLoops(checkout: string): string[] {
  const list = trySync("losetup", ["--list", "--noheadings", "--output", "NAME,BACK-FILE"]) ?? "";
  return list
    .split("\n")
    .filter((line) => line.includes(`${stateDir(checkout)}/`))
    .map((line) => line.split(/\s+/)[0] ?? "");
}

function removeLoops(checkout: string): void {
  for (const device of ourLoops(checkout)) trySync("losetup", ["-d", device]);
}

function removeFiles(checkout: string, keepLogs: boolean): void {
  const state = stateDir(checkout);
  const saved = `${state}-logs`;
  if (keepLogs && existsSync(paths(checkout).logs)) {
    rmSync(saved, { recursive: true, force: true });
    renameSync(paths(checkout).logs, saved);
  }
  for (const dir of [state, RUN_DIR]) rmSync(dir, { recursive: true, force: true });
  if (existsSync(saved))
    trySync("sh", ["-c", `mkdir -p ${state} && mv ${saved} ${join(state, "logs.before")}`]);
  removeCniResults();
  removeRuntimeState();
}

/** Shims and runc keep sockets here under names that tell no owner: ours are all, if no containerd runs. */
function removeRuntimeState(): void {
  if (!anyProcess("containerd") && !anyProcess("dockerd"))
    rmSync("/run/containerd", { recursive: true, force: true });
}

/** libcni notes every attachment in a directory of the machine; ours carry our network's name. */
function removeCniResults(): void {
  const dir = "/var/lib/cni/results";
  if (!existsSync(dir)) return;
  for (const file of readdirSync(dir)) {
    if (file.startsWith("porpoise-")) rmSync(join(dir, file), { force: true });
  }
}

/** What of a sandbox is on the machine now, in words; empty after a good `down`. */
export function leftovers(checkout: string = CHECKOUT): string[] {
  const links = [NETWORK.bridge, CONTROL_PLANE.link, ...NODES.map((node) => node.link)];
  const spaces = [CONTROL_PLANE.netns, ...NODES.map((node) => node.netns)];
  return [
    ...sandboxProcesses().map(
      ({ pid, netns }) => `process ${pid} (${processOf(pid)?.comm ?? "?"}) in ${netns}`,
    ),
    ...ourMounts(checkout).map((path) => `mount ${path}`),
    ...ourLoops(checkout).map((device) => `loop device ${device}`),
    ...spaces.filter((name) => existsSync(`/run/netns/${name}`)).map((name) => `network namespace ${name}`),
    ...links.filter((name) => existsSync(`/sys/class/net/${name}`)).map((name) => `network link ${name}`),
    ...leftoverCgroups().map((path) => `cgroup ${path}`),
  ];
}
