/**
 * Certificates and URL token over releases. `pepr build` makes new ones each time; applied as they are, every write
 * of our kinds failed for 13 s (x509, sandbox.md). So what is installed stays while it is good, and when it must be
 * renewed the old CA stays trusted beside the new one. Pure.
 */
import { X509Certificate } from "node:crypto";
import { MODULE, isWebhook, type Manifest } from "./manifests";

/** Of the installed release; undefined where there is none. */
export interface Installed {
  readonly tls?: Manifest;
  readonly apiPath?: Manifest;
  readonly webhook?: Manifest;
}

export const TLS_SECRET = `${MODULE}-tls`;
export const API_PATH_SECRET = `${MODULE}-api-path`;

/** Pepr's leaf lives a year and nothing renews it: a deploy in its last two months does. */
const RENEW_BEFORE_MS = 60 * 86_400_000;

interface Webhook {
  readonly clientConfig: { readonly caBundle?: string; readonly service?: { readonly path?: string } };
}

/** The manifests with what the installed release has kept where that is still good. */
export function keepInstalled(
  manifests: readonly Manifest[],
  installed: Installed,
  now: Date,
): { readonly manifests: Manifest[]; readonly certificate: "new" | "kept" | "renewed" } {
  const caBundle = webhooksOf(installed.webhook)[0]?.clientConfig.caBundle;
  const token = dataOf(installed.apiPath, "value");
  if (!installed.tls || caBundle === undefined || token === undefined)
    return { manifests: [...manifests], certificate: "new" };
  const isGood = endOf(installed.tls) - now.getTime() > RENEW_BEFORE_MS;
  const bundle = (fresh: string) => (isGood ? caBundle : joined(fresh, caBundle));
  const kept = manifests.map((manifest) => {
    if (isNamed(manifest, TLS_SECRET))
      return isGood ? { ...manifest, data: installed.tls?.["data"] } : manifest;
    if (isNamed(manifest, API_PATH_SECRET)) return { ...manifest, data: { value: token } };
    return isWebhook(manifest) ? withTrust(manifest, decode(token), bundle) : manifest;
  });
  return { manifests: kept, certificate: isGood ? "kept" : "renewed" };
}

function withTrust(manifest: Manifest, token: string, bundle: (fresh: string) => string): Manifest {
  const webhooks = webhooksOf(manifest).map((webhook) => {
    const { clientConfig } = webhook;
    const path = clientConfig.service?.path?.replace(/[^/]+$/, token);
    const service = { ...clientConfig.service, ...(path !== undefined && { path }) };
    return {
      ...webhook,
      clientConfig: { ...clientConfig, service, caBundle: bundle(clientConfig.caBundle ?? "") },
    };
  });
  return { ...manifest, webhooks };
}

function webhooksOf(manifest: Manifest | undefined): readonly Webhook[] {
  return (manifest?.["webhooks"] as readonly Webhook[] | undefined) ?? [];
}

function dataOf(secret: Manifest | undefined, key: string): string | undefined {
  return (secret?.["data"] as Readonly<Record<string, string>> | undefined)?.[key];
}

function isNamed({ kind, metadata }: Manifest, name: string): boolean {
  return kind === "Secret" && metadata.name === name;
}

/** End of the certificate in ms since 1970; 0 when it cannot be read: then it is renewed. */
function endOf(secret: Manifest): number {
  try {
    return Date.parse(new X509Certificate(decode(dataOf(secret, "tls.crt") ?? "")).validTo);
  } catch {
    return 0;
  }
}

function joined(fresh: string, old: string): string {
  return Buffer.from(`${decode(fresh).trimEnd()}\n${decode(old)}`).toString("base64");
}

function decode(base64: string): string {
  return Buffer.from(base64, "base64").toString();
}
