import { webcrypto } from "node:crypto";
import { join } from "node:path";
import "reflect-metadata"; // x509 throws without it.
import * as x509 from "@peculiar/x509";
import { API_SERVER, CONTROL_PLANE, NETWORK, NODES, paths } from "./config";
import { put } from "./run";

/** The cluster's certificates and kubeconfigs, new at each `up` and valid for a year. */

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const YEAR_MS = 365 * 24 * 3600 * 1000;
/** A clock set back a little must not make a new certificate "not yet valid". */
const BACKDATED_MS = 3600 * 1000;

interface KeyPair {
  readonly cert: x509.X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

interface Leaf {
  readonly file: string;
  /** User name for a client, host name for a server. */
  readonly cn: string;
  /** Group of a client. */
  readonly group?: string;
  /** Alternative names of a server. */
  readonly dns?: readonly string[];
  readonly ips?: readonly string[];
}

const MASTERS = "system:masters";

const LEAVES: readonly Leaf[] = [
  {
    file: "apiserver",
    cn: "kube-apiserver",
    dns: ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost"],
    ips: [CONTROL_PLANE.ip, NETWORK.apiService, "127.0.0.1"],
  },
  { file: "apiserver-kubelet", cn: "kube-apiserver-kubelet-client", group: MASTERS },
  { file: "admin", cn: "porpoise-sandbox-admin", group: MASTERS },
  { file: "controller-manager", cn: "system:kube-controller-manager" },
  { file: "scheduler", cn: "system:kube-scheduler" },
  { file: "kube-proxy", cn: "system:kube-proxy" },
  { file: "addons", cn: "porpoise-sandbox-addons", group: MASTERS },
  ...NODES.map((node) => ({ file: node.name, cn: `system:node:${node.name}`, group: "system:nodes" })),
];

/** Files below the pki directory. */
export const pki = {
  cert: (name: string): string => join(paths().pki, `${name}.crt`),
  key: (name: string): string => join(paths().pki, `${name}.key`),
  kubeconfig: (name: string): string => join(paths().pki, `${name}.kubeconfig`),
};

/** Makes the authority, every certificate, and a kubeconfig for each client; writes the administrator's. */
export async function createPki(): Promise<void> {
  x509.cryptoProvider.set(webcrypto);
  const ca = await authority();
  await write("ca", ca);
  await writeServiceAccountKey();
  for (const leaf of LEAVES) {
    const made = await issue(ca, leaf);
    await write(leaf.file, made);
    if (!leaf.ips) put(pki.kubeconfig(leaf.file), await kubeconfig(ca, leaf.cn, made), 0o600);
  }
  const admin = LEAVES.find((leaf) => leaf.file === "admin");
  if (admin) put(paths().kubeconfig, await kubeconfig(ca, admin.cn, await issue(ca, admin)), 0o600);
}

const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);

async function authority(): Promise<KeyPair> {
  const keys = await newKeys();
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(),
    name: "CN=porpoise-sandbox-ca",
    signingAlgorithm: ALGORITHM,
    keys: keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert, keys };
}

async function issue(ca: KeyPair, leaf: Leaf): Promise<KeyPair> {
  const keys = await newKeys();
  const names = [
    ...(leaf.dns ?? []).map((value) => ({ type: "dns" as const, value })),
    ...(leaf.ips ?? []).map((value) => ({ type: "ip" as const, value })),
  ];
  const usage = leaf.ips ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth;
  const cert = await x509.X509CertificateGenerator.create({
    ...validity(),
    subject: [{ CN: [leaf.cn] }, ...(leaf.group ? [{ O: [leaf.group] }] : [])],
    issuer: ca.cert.subject,
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: ca.keys.privateKey,
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([usage]),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
    ],
  });
  return { cert, keys };
}

const validity = () => ({
  serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(12))).toString("hex"),
  notBefore: new Date(Date.now() - BACKDATED_MS),
  notAfter: new Date(Date.now() + YEAR_MS),
});

async function pem(label: string, format: "pkcs8" | "spki", key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey(format, key)).toString("base64");
  return `-----BEGIN ${label}-----\n${der.replace(/(.{64})/g, "$1\n").trimEnd()}\n-----END ${label}-----\n`;
}

async function write(name: string, pair: KeyPair): Promise<void> {
  put(pki.cert(name), `${pair.cert.toString("pem")}\n`);
  put(pki.key(name), await pem("PRIVATE KEY", "pkcs8", pair.keys.privateKey), 0o600);
}

async function writeServiceAccountKey(): Promise<void> {
  const keys = await newKeys();
  put(pki.key("service-account"), await pem("PRIVATE KEY", "pkcs8", keys.privateKey), 0o600);
  put(pki.cert("service-account"), await pem("PUBLIC KEY", "spki", keys.publicKey));
}

async function kubeconfig(ca: KeyPair, user: string, client: KeyPair): Promise<string> {
  const key = await pem("PRIVATE KEY", "pkcs8", client.keys.privateKey);
  return renderKubeconfig({ user, ca: ca.cert.toString("pem"), cert: client.cert.toString("pem"), key });
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** A kubeconfig for one client certificate; everything is inside, so the file can be copied anywhere. */
export function renderKubeconfig(client: { user: string; ca: string; cert: string; key: string }): string {
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name: "sandbox", cluster: { server: API_SERVER, "certificate-authority-data": base64(client.ca) } },
    ],
    users: [
      {
        name: client.user,
        user: { "client-certificate-data": base64(client.cert), "client-key-data": base64(client.key) },
      },
    ],
    contexts: [{ name: "sandbox", context: { cluster: "sandbox", user: client.user } }],
    "current-context": "sandbox",
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
