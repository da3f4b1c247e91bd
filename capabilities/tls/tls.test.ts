import { X509Certificate, createPrivateKey } from "node:crypto";
import { createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import { beforeAll, expect, test } from "vitest";
import { issue, makeAuthority, readCertificate, type KeyPair } from "./certificates";
import { agentNames, serverNames } from "./names";
import { renewalReason, validFor } from "./renewal";

const now = new Date();
const leaf = (dnsNames: string[]) => ({ commonName: "x", dnsNames, usages: ["server", "client"] as const });
let ca: KeyPair;
let agent: KeyPair;

beforeAll(async () => {
  const { notBefore, notAfter } = validFor(3650, now);
  ca = await makeAuthority("porpoise retail/shop", notBefore, notAfter);
  const names = agentNames("shop", "retail", "cluster.local");
  agent = await issue(ca, { ...leaf(names), usages: ["server", "client"], ...validFor(90, now) });
});

test("OpenSSL accepts what we make: chain, key, names, usages", () => {
  const certificate = new X509Certificate(agent.certificate);
  expect(certificate.verify(new X509Certificate(ca.certificate).publicKey)).toBe(true);
  expect(certificate.checkIssued(new X509Certificate(ca.certificate))).toBe(true);
  expect(certificate.checkPrivateKey(createPrivateKey(agent.key))).toBe(true);
  expect(certificate.checkHost("shop-0-0.shop-instances.retail.svc")).toBeDefined();
  expect(certificate.checkHost("shop-0-0.other-instances.retail.svc")).toBeUndefined();
  expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
  expect(certificate.ca).toBe(false);
  expect(new X509Certificate(ca.certificate).ca).toBe(true);
});

test("mutual TLS with it works, and without a certificate does not", async () => {
  const { certificate: cert, key } = agent;
  const server = createServer(
    { cert, key, ca: ca.certificate, requestCert: true, rejectUnauthorized: true },
    (_, r) => r.end("ok"),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const host = "shop-1-0.shop-instances.retail.svc";
  const call = (credentials: object) =>
    new Promise<number | string>((resolve) => {
      const options = { host: "127.0.0.1", port, servername: host, ca: ca.certificate, ...credentials };
      request(options, (response) => resolve(response.statusCode ?? 0))
        .on("error", (error) => resolve(error.message))
        .end();
    });
  expect(await call({ cert, key })).toBe(200);
  expect(await call({})).not.toBe(200);
  server.close();
});

test("a certificate is made anew when it is missing, foreign, old, or lacks a name", async () => {
  const names = agentNames("shop", "retail", "cluster.local");
  const facts = await readCertificate(agent.certificate, ca.certificate);
  expect(renewalReason(facts, names, now)).toBeUndefined();
  expect(renewalReason(undefined, names, now)).toBe("missing");
  expect(renewalReason(facts, [...names, "new"], now)).toBe("names");
  expect(renewalReason(facts, names, new Date(now.getTime() + 59 * 86_400_000))).toBeUndefined();
  expect(renewalReason(facts, names, new Date(now.getTime() + 61 * 86_400_000))).toBe("expiring");
  const other = await makeAuthority("porpoise retail/shop", now, new Date(now.getTime() + 1e9));
  expect(renewalReason(await readCertificate(agent.certificate, other.certificate), names, now)).toBe(
    "untrusted",
  );
  expect(await readCertificate("nonsense", ca.certificate)).toBeUndefined();
});

test("mysqld's certificate is good for every name a client may use", () => {
  const names = serverNames("shop", "retail", "cluster.local");
  expect(names).toEqual(
    expect.arrayContaining([
      "shop",
      "shop.retail.svc",
      "shop-primary.retail.svc.cluster.local",
      "shop-replicas.retail",
      "*.shop-instances.retail.svc.cluster.local",
      "localhost",
    ]),
  );
});
