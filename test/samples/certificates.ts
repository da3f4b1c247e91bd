/** Certificates for tests, made by the project's own authority; valid for a day. */
import { mkdir, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { issue, makeAuthority, type KeyPair } from "../../capabilities/tls/certificates";

const DAY_MS = 86_400_000;
const period = () => ({ notBefore: new Date(Date.now() - DAY_MS), notAfter: new Date(Date.now() + DAY_MS) });

export interface TestAuthority {
  readonly certificate: string;
  /** A leaf for server and client with these DNS names and addresses. */
  issue(names: readonly string[], addresses?: readonly string[]): Promise<KeyPair>;
}

/** A new CA. */
export async function testAuthority(name = "test CA"): Promise<TestAuthority> {
  const { notBefore, notAfter } = period();
  const authority = await makeAuthority(name, notBefore, notAfter);
  return {
    certificate: authority.certificate,
    issue: (dnsNames, ipAddresses = []) =>
      issue(authority, {
        commonName: dnsNames[0] ?? "leaf",
        dnsNames,
        ipAddresses,
        usages: ["server", "client"],
        ...period(),
      }),
  };
}

/** Writes tls.crt, tls.key and ca.crt as a Secret's mount has them. */
export async function writeCertificates(directory: string, pair: KeyPair, ca: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeFile(path.join(directory, "tls.crt"), pair.certificate);
  await writeFile(path.join(directory, "tls.key"), pair.key, { mode: 0o600 });
  await writeFile(path.join(directory, "ca.crt"), ca);
}
