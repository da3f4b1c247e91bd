/**
 * `npm run deploy`: installs dist/porpoise.yaml (built when it is not there) in the cluster of KUBECONFIG, or
 * brings an installed one to it. Unlike `pepr deploy` it keeps certificates and URL token, sets the webhooks when
 * somebody answers them, waits with a limit, and does not count the old pods.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadAll } from "js-yaml";
import { HttpKube, KubeError } from "../capabilities/kube";
import { refOf, type KubeObject } from "../capabilities/objects";
import { INSTALL_FILE, build } from "./build";
import { API_PATH_SECRET, TLS_SECRET, keepInstalled, type Installed } from "./keep";
import { MODULE, NAMESPACE, isWebhook, withAgent, type Manifest } from "./manifests";

/** What the image was built with, where it was built here. */
const AGENT_BUNDLE = join(__dirname, "..", "dist", "agent", "agent.js");
const ROLLOUT_TIMEOUT_MS = 180_000;
const POLL_MS = 500;

/** A CRD or namespace that was applied a moment ago may not serve yet. */
const APPLY_TRIES = 20;

interface Deployment extends KubeObject {
  readonly spec?: { readonly replicas?: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
    readonly replicas?: number;
  };
}

async function deploy(): Promise<void> {
  const kube = HttpKube.fromEnvironment("porpoise-deploy");
  const built = existsSync(INSTALL_FILE)
    ? (loadAll(readFileSync(INSTALL_FILE, "utf8")) as Manifest[])
    : build();
  const agent = existsSync(AGENT_BUNDLE) ? readFileSync(AGENT_BUNDLE, "utf8") : undefined;
  const wanted = agent === undefined ? built : withAgent(built, agent);
  const { manifests, certificate } = keepInstalled(wanted, await readInstalled(kube), new Date());
  console.log(`certificate of the webhooks: ${certificate}`);
  const webhooks = manifests.filter(isWebhook);
  // Admission pods restart one by one with the renewed leaf: both CAs must be trusted before.
  if (certificate === "renewed") await applyAll(kube, webhooks);
  await applyAll(
    kube,
    manifests.filter((manifest) => !isWebhook(manifest)),
  );
  const deployments = manifests.filter(({ kind }) => kind === "Deployment");
  await Promise.all(deployments.map((deployment) => rollout(kube, deployment)));
  await applyAll(kube, webhooks);
  console.log("Porpoise is installed; apply a MySQLCluster, for example examples/cluster.yaml");
}

async function readInstalled(kube: HttpKube): Promise<Installed> {
  const secret = { apiVersion: "v1", kind: "Secret", namespace: NAMESPACE };
  const webhook = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    name: MODULE,
  };
  const [tls, apiPath, configuration] = await Promise.all([
    kube.get<Manifest>({ ...secret, name: TLS_SECRET }),
    kube.get<Manifest>({ ...secret, name: API_PATH_SECRET }),
    kube.get<Manifest>(webhook),
  ]);
  return { tls, apiPath, webhook: configuration };
}

async function applyAll(kube: HttpKube, manifests: readonly Manifest[]): Promise<void> {
  for (const manifest of manifests) {
    await applyPatiently(kube, manifest);
    console.log(`applied ${manifest.kind} ${manifest.metadata.name}`);
  }
}

async function applyPatiently(kube: HttpKube, manifest: Manifest): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await kube.apply(manifest);
      return;
    } catch (error) {
      const mayPass =
        error instanceof KubeError && (error.status === 404 || error.status === 0 || error.status >= 500);
      if (!mayPass || tries >= APPLY_TRIES) throw error;
      await pause();
    }
  }
}

/** Waits until every replica is of this release and available. @throws at the limit, saying what it waited for. */
async function rollout(kube: HttpKube, manifest: Manifest): Promise<void> {
  const name = manifest.metadata.name;
  const untilMs = Date.now() + ROLLOUT_TIMEOUT_MS;
  let said = "";
  for (;;) {
    const deployment = await kube.get<Deployment>(refOf(manifest));
    const state = progress(deployment);
    if (state === undefined) break;
    if (state !== said) console.log(`waiting for ${name}: ${state}`);
    said = state;
    if (Date.now() > untilMs) {
      throw new Error(
        `${name} is not up after ${ROLLOUT_TIMEOUT_MS / 1_000} s: ${state}; see kubectl -n ${NAMESPACE} get pods`,
      );
    }
    await pause();
  }
  console.log(`${name} is up`);
}

/** What is still missing, or undefined when the rollout is done. */
function progress(deployment: Deployment | undefined): string | undefined {
  const { status, metadata, spec } = deployment ?? {};
  const isSeen = (status?.observedGeneration ?? 0) >= (metadata?.generation ?? Infinity);
  return isSeen ? missing(status ?? {}, spec?.replicas ?? 1) : "not yet seen by Kubernetes";
}

function missing(status: NonNullable<Deployment["status"]>, wanted: number): string | undefined {
  const { updatedReplicas = 0, availableReplicas = 0, replicas = 0 } = status;
  if (updatedReplicas < wanted) return `${updatedReplicas} of ${wanted} pods made`;
  if (replicas > updatedReplicas) return `${replicas - updatedReplicas} old pods to go`;
  return availableReplicas < wanted ? `${availableReplicas} of ${wanted} pods available` : undefined;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MS));
}

if (require.main === module) {
  deploy().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
