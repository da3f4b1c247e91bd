/** The Secrets `<c>-root`, `<c>-app`, `<c>-system`: made once, never written over; the agents make the accounts. */
import { ANNOTATION } from "../../api/labels";
import { names } from "../../api/names";
import type { Context, Observed } from "../context";
import { ensureSecret, text } from "../secrets";
import { makePassword } from "./password";
import { appValues, rootValues, systemValues } from "./secrets";

/** Ensures the Secrets. They come after tls: `<c>-app` carries the CA. */
export async function reconcileAccounts(context: Context): Promise<Partial<Observed>> {
  const { name, namespace, settings } = context;
  const place = { name, namespace, clusterDomain: settings.clusterDomain };
  const authority =
    text(context.secrets.get(names.caSecret(name)), "ca.crt") || (await readAuthority(context));
  await Promise.all([
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
  return {};
}

async function readAuthority({ kube, name, namespace }: Context): Promise<string> {
  const ref = { apiVersion: "v1", kind: "Secret", namespace, name: names.caSecret(name) };
  return text(await kube.get(ref), "ca.crt");
}
