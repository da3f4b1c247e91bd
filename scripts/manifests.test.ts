import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dump, loadAll } from "js-yaml";
import { afterAll, beforeAll, expect, test } from "vitest";
import { keepInstalled, type Installed } from "./keep";
import { installManifests, isWebhook, withAgent, type Manifest } from "./manifests";

const TESTDATA = join(__dirname, "testdata");
/** What `pepr build` of 1.1.4 wrote, certificates, token and module shortened. */
const generated = loadAll(readFileSync(join(TESTDATA, "pepr-build.yaml"), "utf8")) as Manifest[];
const crd: Manifest = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "ours" },
};
const image = "localhost/porpoise/porpoise:0.1.0";
const manifests = installManifests({ generated, crds: [crd], image, bundle: "the bundle" });

test("what is installed; UPDATE_GOLDEN=1 rewrites it", () => {
  const file = join(TESTDATA, "install.yaml");
  const text = manifests.map((manifest) => dump(manifest, { lineWidth: -1, noRefs: true })).join("---\n");
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, "utf8"));
});

test("the webhooks come last, the kinds before what uses them", () => {
  const kinds = manifests.map(({ kind }) => kind);
  expect(kinds.slice(-2)).toEqual(["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"]);
  expect(kinds.slice(0, 3)).toEqual(["Namespace", "CustomResourceDefinition", "CustomResourceDefinition"]);
});

test("pods roll when the bundle changes, not at each build", () => {
  const pods = (bundle: string) =>
    JSON.stringify(
      installManifests({ generated, crds: [], image, bundle }).filter(({ kind }) => kind === "Deployment"),
    );
  expect(pods("a")).toBe(pods("a"));
  expect(pods("a")).not.toBe(pods("b"));
  expect(pods("a")).not.toContain("buildTimestamp");
});

test("the controller's pod alone rolls with the agent's bundle: it brings it to running pods", () => {
  const changed = (agent: string) => withAgent(manifests, agent).filter((one, i) => one !== manifests[i]);
  expect(changed("a").map(({ metadata }) => metadata.name)).toEqual(["pepr-porpoise-watcher"]);
  expect(JSON.stringify(changed("a"))).toBe(JSON.stringify(changed("a")));
  expect(JSON.stringify(changed("a"))).not.toBe(JSON.stringify(changed("b")));
});

let directory: string;
const base64 = (text: string) => Buffer.from(text).toString("base64");

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "porpoise-keep-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** An installed release whose leaf ends in so many days. */
function installed(days: number): Installed & { readonly leaf: string } {
  const [key, cert] = [join(directory, "k.pem"), join(directory, "c.pem")];
  const subject = ["-subj", "/CN=old", "-days", String(days), "-keyout", key, "-out", cert];
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...subject], { stdio: "ignore" });
  const leaf = base64(readFileSync(cert, "utf8"));
  const secret = (data: Record<string, string>): Manifest => ({ ...generated[0]!, data });
  const webhooks = [{ clientConfig: { caBundle: base64("OLD CA\n") } }];
  return {
    leaf,
    tls: secret({ "tls.crt": leaf, "tls.key": base64("old key") }),
    apiPath: secret({ value: base64("old-token") }),
    webhook: { ...generated[0]!, webhooks },
  };
}

interface Client {
  readonly clientConfig: { readonly caBundle: string; readonly service: { readonly path: string } };
}

function trust(list: readonly Manifest[]): { path: string; ca: string }[] {
  const clients = list.filter(isWebhook).flatMap((manifest) => manifest["webhooks"] as Client[]);
  return clients.map(({ clientConfig }) => ({
    path: clientConfig.service.path,
    ca: Buffer.from(clientConfig.caBundle, "base64").toString(),
  }));
}

const dataOf = (list: readonly Manifest[], name: string) =>
  list.find(({ kind, metadata }) => kind === "Secret" && metadata.name === name)?.["data"] as Record<
    string,
    string
  >;

test("a first installation takes everything as it was built", () => {
  expect(keepInstalled(manifests, {}, new Date())).toEqual({ manifests, certificate: "new" });
});

test("a release keeps leaf, CA and token of the one before: no write fails in between", () => {
  const before = installed(300);
  const { manifests: kept, certificate } = keepInstalled(manifests, before, new Date());
  expect(certificate).toBe("kept");
  expect(dataOf(kept, "pepr-porpoise-tls")["tls.crt"]).toBe(before.leaf);
  expect(dataOf(kept, "pepr-porpoise-api-path")).toEqual({ value: base64("old-token") });
  expect(trust(kept)).toEqual([
    { path: "/mutate/old-token", ca: "OLD CA\n" },
    { path: "/validate/old-token", ca: "OLD CA\n" },
  ]);
});

test("a leaf near its end is renewed, and both CAs are trusted meanwhile", () => {
  const before = installed(30);
  const { manifests: kept, certificate } = keepInstalled(manifests, before, new Date());
  expect(certificate).toBe("renewed");
  expect(dataOf(kept, "pepr-porpoise-tls")["tls.crt"]).not.toBe(before.leaf);
  const fresh = trust(manifests)[0]!.ca.trimEnd();
  expect(trust(kept).map(({ ca }) => ca)).toEqual([`${fresh}\nOLD CA\n`, `${fresh}\nOLD CA\n`]);
  expect(trust(kept)[0]?.path).toBe("/mutate/old-token");
});
