import { existsSync, mkdirSync } from "node:fs";
import { buildModule } from "../images/porpoise";
import { requirePackages, requirePrivileges } from "./apt";
import { startDns, startStorage } from "./addons";
import { buildBinaries, linkBinaries } from "./build";
import { CHECKOUT, NODES, paths, TURN_FILE } from "./config";
import { apiReady, startApiServer, startControllers } from "./controlplane";
import { leftovers, removeSandbox } from "./down";
import { startApi } from "./faults";
import { buildImages, loadPorpoise } from "./images";
import { kubectl } from "./kube";
import { checkMachine, exclusively, holder, holderAlive, releaseMachine, takeMachine } from "./lock";
import { say, step } from "./log";
import { createNetwork } from "./network";
import { copyStore, startContainerd, startKubelet } from "./node";
import { createPki } from "./pki";
import { daemonPid, usersOf } from "./processes";
import { until } from "./run";

/** Brings the sandbox up: builds what is missing, cleans what a crash left, starts everything, waits for it. */
export async function up(): Promise<void> {
  requirePrivileges();
  await exclusively(TURN_FILE, bringUp);
}

async function bringUp(): Promise<void> {
  if (await isUp()) {
    say(`the sandbox is up already; export KUBECONFIG=${paths().kubeconfig}`);
    return;
  }
  const dead = checkMachine();
  await build();
  if (dead !== undefined) await step(`cleaned up what ${dead} left`, () => removeSandbox(dead));
  if (holder() !== undefined || leftovers().length > 0 || existsSync(paths().state)) {
    await step("cleaned up a former sandbox", () => removeSandbox(CHECKOUT, { keepLogs: true }));
  }
  takeMachine(process.pid);
  // Pepr's build takes 15 s after a change of a source: beside the cluster's start, not after it.
  const module = buildModule();
  module.catch(() => undefined); // Awaited below; meanwhile the cluster's start may fail first.
  await start();
  await step("module built", () => module);
  await loadPorpoise();
  say(
    `up. export KUBECONFIG=${paths().kubeconfig} PATH=${paths().bin}:$PATH, or: npx tsx sandbox/main.ts shell`,
  );
}

/** Makes everything that the cache should hold. */
export async function build(): Promise<void> {
  await requirePackages();
  await buildBinaries();
  await buildImages();
}

async function start(): Promise<void> {
  const golden = await buildImages();
  mkdirSync(paths().state, { recursive: true });
  linkBinaries();
  await step("network", createNetwork);
  await step("certificates", createPki);
  const stores = Promise.all(NODES.map((node) => copyStore(golden, node).then(() => startContainerd(node))));
  stores.catch(() => undefined); // Awaited below; meanwhile the API server may fail first.
  takeMachine(await step("API server", startApiServer));
  startControllers();
  await step("containerd", () => stores);
  for (const node of NODES) startKubelet(node);
  await step("DNS and volumes", async () => {
    await startDns();
    await startStorage();
  });
  await step(`${NODES.length} nodes Ready`, () => until("all nodes Ready", 120_000, nodesReady));
  await until("service account of the namespace default", 30_000, async () => {
    await kubectl(["get", "serviceaccount", "default"]);
    return true;
  });
}

async function nodesReady(): Promise<boolean> {
  const path = '{range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}';
  const states = (await kubectl(["get", "nodes", "-o", `jsonpath=${path}`])).trim().split("\n");
  return states.length === NODES.length && states.every((state) => state === "True");
}

/** The processes without which the sandbox is not up. */
export const DAEMONS = [
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "coredns",
  "local-path-provisioner",
  ...NODES.flatMap((node) => [`containerd-${node.name}`, `kubelet-${node.name}`]),
];

/** True when the machine's sandbox is this checkout's and works. */
export async function isUp(): Promise<boolean> {
  const held = holder();
  if (!held || held.checkout !== CHECKOUT || !holderAlive(held)) return false;
  if (!existsSync(paths().kubeconfig)) return false;
  if (!DAEMONS.every((name) => daemonPid(name) !== undefined)) return false;
  startApi(); // A test that was broken off may have left it frozen.
  // Under load an answer takes its time; to call it dead would throw the user's cluster away.
  return until("API server", 20_000, apiReady).then(
    () => true,
    () => false,
  );
}

/**
 * Takes the sandbox away, and says what could not be. `force` takes that of another checkout, too, which is how CI
 * gets the machine from a session that ended without `down`. @throws when something is left.
 */
export async function down({ force = false } = {}): Promise<void> {
  requirePrivileges();
  await exclusively(TURN_FILE, async () => {
    if (force) await evict();
    await takeDown();
  });
}

/** Somebody who works in the other checkout right now may end in peace; a longer wait would block CI. */
const EVICTION_MS = 600_000;

async function evict(): Promise<void> {
  const held = holder();
  if (!held || held.checkout === CHECKOUT) return;
  const users = (): number[] => usersOf(held.checkout);
  if (users().length > 0) say(`waiting for ${held.checkout}: processes ${users().join(", ")} work there`);
  const gone = until("the other checkout left alone", EVICTION_MS, () => users().length === 0);
  await gone.catch(() => say(`they did not end in ${EVICTION_MS / 60_000} minutes`));
  await step(`took away the sandbox of ${held.checkout}`, () => removeSandbox(held.checkout));
  releaseMachine();
}

async function takeDown(): Promise<void> {
  const dead = checkMachine();
  if (dead !== undefined) await removeSandbox(dead);
  await step("sandbox removed", () => removeSandbox());
  releaseMachine();
  const left = leftovers();
  if (left.length > 0) throw new Error(`left behind: ${left.join("; ")}`);
}
