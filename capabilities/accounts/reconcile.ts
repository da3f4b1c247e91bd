/**
 * The Secrets `<c>-root`, `<c>-app`, `<c>-system`: their passwords are made once, the agents make the accounts. Kept
 * in step are only whose they are (keys.ts), the cluster's identity and the CA, which may be another one.
 */
import { ANNOTATION, LABEL } from "../../api/labels";
import { names } from "../../api/names";
import type { Context, Observed } from "../context";
import { identityChange, ownersChange } from "../keys";
import { changeSecret, ensureSecret, text, type Secret, type SecretChange } from "../secrets";
import { makePassword } from "./password";
import { appValues, rootValues, systemValues } from "./secrets";

/** Ensures the Secrets. They come after tls: `<c>-app` carries the CA. */
export async function reconcileAccounts(context: Context): Promise<Partial<Observed>> {
  const { name, namespace, settings } = context;
  const place = { name, namespace, clusterDomain: settings.clusterDomain };
  const authority =
    text(context.secrets.get(names.caSecret(name)), "ca.crt") || (await readAuthority(context));
  const [root, app, system] = await Promise.all([
    ensureSecret(context, names.rootSecret(name), async () => rootValues(makePassword())),
    ensureSecret(context, names.appSecret(name), async () => appValues(place, makePassword(), authority)),
    // The cluster's id lies beside the passwords too: whoever loses one of the two objects can restore it.
    ensureSecret(
      context,
      names.systemSecret(name),
      async () => systemValues(makePassword(), makePassword()),
      {
        [ANNOTATION.clusterId]: context.clusterId,
      },
    ),
  ]);
  await Promise.all([
    keep(context, root),
    keep(context, app, { data: authorityChange(app, authority) }),
    keep(context, system, { annotations: identityChange(system, context, false) }),
  ]);
  return {};
}

/** A Secret without our label is the user's own: it is read, and neither owned nor changed. */
async function keep(
  { kube, cluster, name }: Context,
  secret: Secret,
  change: SecretChange = {},
): Promise<void> {
  if (secret.metadata.labels?.[LABEL.cluster] !== name) return;
  await changeSecret(kube, secret, { ...change, ownerReferences: ownersChange(cluster, secret) });
}

/** A cluster made anew over kept volumes has a new CA; clients read it here. */
function authorityChange(app: Secret, authority: string): Record<string, string> | undefined {
  if (authority === "" || text(app, "ca.crt") === authority) return undefined;
  return { "ca.crt": Buffer.from(authority).toString("base64") };
}

async function readAuthority({ kube, name, namespace }: Context): Promise<string> {
  const ref = { apiVersion: "v1", kind: "Secret", namespace, name: names.caSecret(name) };
  return text(await kube.get(ref), "ca.crt");
}
