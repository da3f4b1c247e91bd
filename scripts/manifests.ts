/**
 * From what `pepr build` writes to what Porpoise installs. Pure. Each correction quotes the finding behind it
 * (pepr-facts 2, sandbox.md "Pepr in the cluster").
 */
import { createHash } from "node:crypto";

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

export interface InstallInput {
  /** What `pepr build` wrote, object by object. */
  readonly generated: readonly Manifest[];
  /** Our CustomResourceDefinitions: nobody else applies them. */
  readonly crds: readonly Manifest[];
  readonly image: string;
  /** The bundle itself: pods roll when it changes, not at every build. */
  readonly bundle: string;
}

export const NAMESPACE = "pepr-system";
export const MODULE = "pepr-porpoise";
const WEBHOOK_KINDS = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];
/** Where our image keeps things (images/porpoise.ts). */
const BUNDLE = "/app/pepr-porpoise.js";
const METRICS_PORT = 8081;

/** Everything to install, in the order in which it is applied: webhooks last, when somebody answers them. */
export function installManifests({ generated, crds, image, bundle }: InstallInput): Manifest[] {
  const revision = createHash("sha256").update(bundle).digest("hex").slice(0, 16);
  const kept = generated.filter(isWanted).map((manifest) => corrected(manifest, image, revision));
  const of = (...kinds: string[]) => kept.filter(({ kind }) => kinds.includes(kind));
  const rank = ["Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Secret", "Service"];
  return [
    ...of("Namespace"),
    ...crds,
    peprStores,
    ...rank.slice(1).flatMap((kind) => of(kind)),
    admissionBudget,
    ...of("Deployment"),
    ...kept.filter(({ kind }) => ![...rank, "Deployment", ...WEBHOOK_KINDS].includes(kind)),
    ...of(...WEBHOOK_KINDS),
  ];
}

/** True for the objects that send requests to the module. */
export function isWebhook({ kind }: Pick<Manifest, "kind">): boolean {
  return WEBHOOK_KINDS.includes(kind);
}

/** Not the module as a Secret (1 MiB limit; it is in our image), not the store's Role for an account that is none. */
function isWanted({ kind, metadata: { name } }: Manifest): boolean {
  const isModule = kind === "Secret" && name.endsWith("-module");
  const isStore = (kind === "Role" || kind === "RoleBinding") && name.endsWith("-store");
  return !isModule && !isStore;
}

function corrected(manifest: Manifest, image: string, revision: string): Manifest {
  if (manifest.kind === "ClusterRole") return withoutCrdRights(manifest);
  if (manifest.kind === "Deployment") return deployment(manifest, image, revision);
  return manifest;
}

interface Rule {
  readonly resources?: readonly string[];
}

/** The CRDs are applied at install; a running controller has no business with them. */
function withoutCrdRights(role: Manifest): Manifest {
  const rules = (role["rules"] as readonly Rule[]).filter(
    ({ resources }) => !resources?.includes("customresourcedefinitions"),
  );
  return { ...role, rules };
}

/**
 * The watcher's pod is made anew when the agent's bundle in its image changes, also under the same tag: it renews the
 * agents of running pods, and an old controller would bring back the old agent.
 */
export function withAgent(manifests: readonly Manifest[], agent: string): Manifest[] {
  const sha = createHash("sha256").update(agent).digest("hex").slice(0, 16);
  return manifests.map((manifest) => {
    if (manifest.kind !== "Deployment" || !manifest.metadata.name.endsWith("-watcher")) return manifest;
    const spec = manifest["spec"] as DeploymentSpec;
    const metadata = spec.template.metadata as { readonly annotations?: object };
    const annotations = { ...metadata.annotations, "porpoise.dev/agent": sha };
    return {
      ...manifest,
      spec: { ...spec, template: { ...spec.template, metadata: { ...metadata, annotations } } },
    };
  });
}

interface Container {
  readonly name: string;
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly volumeMounts?: readonly { readonly name: string }[];
  readonly securityContext?: object;
  readonly livenessProbe?: object;
  readonly readinessProbe?: object;
}

interface PodSpec {
  readonly containers: readonly Container[];
  readonly volumes?: readonly { readonly name: string }[];
  readonly securityContext?: object;
}

interface DeploymentSpec {
  readonly template: {
    readonly metadata: { readonly labels: Readonly<Record<string, string>> };
    readonly spec: PodSpec;
  };
}

function deployment(manifest: Manifest, image: string, revision: string): Manifest {
  const spec = manifest["spec"] as DeploymentSpec;
  const { template } = spec;
  const isWatcher = manifest.metadata.name.endsWith("-watcher");
  const pod: PodSpec = {
    ...template.spec,
    ...(isWatcher ? {} : { affinity: apart(template.metadata.labels) }),
    containers: template.spec.containers.map((one) => container(one, { image, isWatcher })),
    volumes: [
      ...(template.spec.volumes ?? []).filter(({ name }) => name !== "module"),
      { name: "tmp", emptyDir: {} } as never,
    ],
    securityContext: { ...template.spec.securityContext, seccompProfile: { type: "RuntimeDefault" } },
  };
  // Not Pepr's buildTimestamp: a release that changes nothing restarts nothing.
  const annotations = { "porpoise.dev/module": revision };
  return {
    ...manifest,
    spec: { ...spec, template: { metadata: { ...template.metadata, annotations }, spec: pod } },
  };
}

function container(
  generated: Container,
  { image, isWatcher }: { image: string; isWatcher: boolean },
): Container {
  const probe = (timing: object) => ({
    httpGet: { path: "/healthz", port: 3000, scheme: "HTTPS" },
    ...timing,
  });
  const tuned = {
    ...generated,
    image,
    imagePullPolicy: "IfNotPresent",
    // The bundle itself, under an init: Pepr's controller.js passes no signal on and needs a writable /app.
    command: ["tini", "--", "node"],
    args: [BUNDLE],
    env: [...(generated.env ?? []), ...environment(image)],
    // Up in a second or two; the generated probes wait ten.
    startupProbe: probe({ periodSeconds: 1, failureThreshold: 90 }),
    readinessProbe: probe({ periodSeconds: 5 }),
    livenessProbe: probe({ periodSeconds: 10, failureThreshold: 6, timeoutSeconds: 5 }),
    ports: [
      { containerPort: 3000, name: "https" },
      ...(isWatcher ? [{ containerPort: METRICS_PORT, name: "metrics" }] : []),
    ],
    // No limit of CPU: a throttled webhook is a slow `kubectl apply` for everybody.
    resources: { requests: { cpu: "50m", memory: "192Mi" }, limits: { memory: isWatcher ? "1Gi" : "512Mi" } },
    securityContext: { ...generated.securityContext, readOnlyRootFilesystem: true },
    volumeMounts: [
      ...(generated.volumeMounts ?? []).filter(({ name }) => name !== "module"),
      { name: "tmp", mountPath: "/tmp" },
    ],
  };
  return tuned;
}

function environment(image: string): { name: string; value: string }[] {
  return Object.entries({
    SSL_KEY_PATH: "/etc/certs/tls.key",
    SSL_CERT_PATH: "/etc/certs/tls.crt",
    PORPOISE_IMAGE: image,
    // Watches that went deaf are found in minutes, and an API server that is upgraded is waited for.
    PEPR_RELIST_INTERVAL_SECONDS: "60",
    PEPR_LAST_SEEN_LIMIT_SECONDS: "120",
    PEPR_RESYNC_FAILURE_MAX: "120",
    // Without it, one metric label per relist for ever.
    PEPR_MAX_CACHE_MISS_WINDOWS: "10",
  }).map(([name, value]) => ({ name, value }));
}

/** Removing a finalizer passes the webhooks: both replicas on one lost node would hang every deletion. */
function apart(labels: Readonly<Record<string, string>>): object {
  const term = { labelSelector: { matchLabels: labels }, topologyKey: "kubernetes.io/hostname" };
  return {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: term }],
    },
  };
}

const admissionBudget: Manifest = {
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name: MODULE, namespace: NAMESPACE },
  spec: { minAvailable: 1, selector: { matchLabels: { app: MODULE, "pepr.dev/controller": "admission" } } },
};

/** Pepr's own kind: /healthz is 404 until it was read, and the bundle alone does not bring it. */
const peprStores: Manifest = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "peprstores.pepr.dev" },
  spec: {
    group: "pepr.dev",
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: { data: { type: "object", additionalProperties: { type: "string" } } },
          },
        },
      },
    ],
    scope: "Namespaced",
    names: { plural: "peprstores", singular: "peprstore", kind: "PeprStore" },
  },
};
