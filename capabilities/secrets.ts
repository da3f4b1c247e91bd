/** Secrets that are made once; what they hold is never made anew. */
import { clusterLabels } from "../api/labels";
import type { Context } from "./context";
import { ownersOf } from "./keys";
import type { Kube } from "./kube";
import { refOf, type KubeObject, type OwnerReference } from "./objects";

export interface Secret extends KubeObject {
  readonly type?: string;
  /** Base64, as the API server gives it. */
  readonly data?: Readonly<Record<string, string>>;
}

/** A value of the Secret as text; "" when it is not there. */
export function text(secret: Secret | undefined, key: string): string {
  return Buffer.from(secret?.data?.[key] ?? "", "base64").toString();
}

/** The object to create or apply; values in clear. */
export function secretObject(
  { cluster, name: c, namespace }: Pick<Context, "cluster" | "name" | "namespace">,
  name: string,
  values: Readonly<Record<string, string>>,
  annotations?: Readonly<Record<string, string>>,
): Secret {
  const encoded = Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString("base64")]);
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name,
      namespace,
      labels: clusterLabels(c, "secret"),
      ...(annotations && { annotations }),
      ownerReferences: ownersOf(cluster, name),
    },
    type: "tls.key" in values ? "kubernetes.io/tls" : "Opaque",
    data: Object.fromEntries(encoded) as Record<string, string>,
  };
}

/**
 * The stored Secret, made with `values` when there is none. Two controllers at the same time: the first one wins,
 * the other reads what it made.
 */
export async function ensureSecret(
  context: Context,
  name: string,
  values: () => Promise<Record<string, string>>,
  annotations?: Readonly<Record<string, string>>,
): Promise<Secret> {
  const known = context.secrets.get(name);
  if (known) return known;
  const { kube, namespace } = context;
  const made = secretObject(context, name, await values(), annotations);
  if (await kube.create(made)) return made;
  const stored = await kube.get<Secret>({ apiVersion: "v1", kind: "Secret", namespace, name });
  if (!stored) throw new Error(`Secret ${namespace}/${name}: there, then gone; trying again`);
  return stored;
}

export interface SecretChange {
  /** The whole list. */
  readonly ownerReferences?: readonly OwnerReference[];
  /** null removes one. */
  readonly annotations?: Readonly<Record<string, string | null>>;
  /** Base64. */
  readonly data?: Readonly<Record<string, string>>;
}

/** Changes a stored Secret; nothing is sent when there is nothing to change. @throws KubeError 409 on a lost race. */
export async function changeSecret(kube: Kube, secret: Secret, change: SecretChange): Promise<void> {
  const { ownerReferences, annotations, data } = change;
  if (!ownerReferences && !annotations && !data) return;
  const { resourceVersion } = secret.metadata; // A list is replaced whole: a lost race must be an error.
  const metadata = {
    resourceVersion,
    ...(ownerReferences && { ownerReferences }),
    ...(annotations && { annotations }),
  };
  await kube.patch(refOf(secret), { metadata, ...(data && { data }) });
}
