/** Brings the sandbox and this checkout's Porpoise to life, doing only what is not done yet. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CHECKOUT, paths } from "../sandbox/config";
import { kubectl } from "../sandbox/kube";
import { loadPorpoise } from "../sandbox/images";
import { run } from "../sandbox/run";
import { isUp, up } from "../sandbox/up";
import { filesBelow } from "../images/files";

/** What goes into our image and manifests. */
const SOURCES = [
  "agent",
  "api",
  "capabilities",
  "crds",
  "images",
  "kinds.ts",
  "package-lock.json",
  "package.json",
  "pepr.ts",
  "runtime-patches.ts",
  "scripts",
  "webhooks",
];

/** Names what is installed; below the sandbox's state, so it is gone with the sandbox. */
const marker = (): string => join(paths().state, "installed");

export type Step = <T>(name: string, work: () => Promise<T>) => Promise<T>;

/** Sandbox up, image built and loaded, Porpoise deployed. `step` shows each of them that has to be done. */
export async function install(step: Step): Promise<void> {
  if (!(await isUp())) await step("sandbox: Kubernetes on three nodes", up);
  const wanted = fingerprint();
  if (existsSync(marker()) && readFileSync(marker(), "utf8") === wanted && (await available())) return;
  await step("Porpoise built, its image on the nodes", loadPorpoise);
  await step("Porpoise deployed", deploy);
  writeFileSync(marker(), wanted);
}

async function deploy(): Promise<void> {
  const env = { KUBECONFIG: paths().kubeconfig };
  await run("npm", ["run", "--silent", "deploy"], { cwd: CHECKOUT, env, timeoutMs: 300_000 });
}

/** Whether all deployments of Porpoise are up. */
async function available(): Promise<boolean> {
  const path = '{range .items[*]}{.status.availableReplicas}/{.spec.replicas}{"\\n"}{end}';
  const lines = await kubectl(["-n", "pepr-system", "get", "deployments", "-o", `jsonpath=${path}`]);
  const counts = lines.trim().split("\n");
  return counts.every((count) => /^(\d+)\/\1$/.test(count));
}

/** A hash of all sources: the same sources give the same image. */
function fingerprint(): string {
  const hash = createHash("sha256");
  for (const file of SOURCES.flatMap((source) => filesBelow(join(CHECKOUT, source)))) {
    if (!file.endsWith(".test.ts")) hash.update(file).update(readFileSync(file));
  }
  return hash.digest("hex");
}
