/** Certificates: the only file that knows X.509. ECDSA P-256 throughout. */
import "reflect-metadata"; // x509's own dependency injection wants it first
import { webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
  cryptoProvider,
} from "@peculiar/x509";

/** Certificate and private key (PKCS #8), both PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

export interface LeafRequest {
  readonly commonName: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly usages: readonly ("server" | "client")[];
  readonly notBefore: Date;
  readonly notAfter: Date;
}

const { subtle } = webcrypto;
cryptoProvider.set(webcrypto as never); // its type is the browser's

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** A self-signed CA that may only sign leaves. */
export async function makeAuthority(commonName: string, notBefore: Date, notAfter: Date): Promise<KeyPair> {
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${commonName}`,
    notBefore,
    notAfter,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  return { certificate: certificate.toString("pem"), key: await exportKey(keys.privateKey) };
}

/** A leaf signed by `authority`. */
export async function issue(authority: KeyPair, request: LeafRequest): Promise<KeyPair> {
  const keys = await newKeys();
  const usages = { server: ExtendedKeyUsage.serverAuth, client: ExtendedKeyUsage.clientAuth };
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${request.commonName}`,
    issuer: new X509Certificate(authority.certificate).subject,
    notBefore: request.notBefore,
    notAfter: request.notAfter,
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.key),
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension(request.usages.map((usage) => usages[usage])),
      new SubjectAlternativeNameExtension([
        ...request.dnsNames.map((value) => ({ type: "dns", value }) as const),
        ...(request.ipAddresses ?? []).map((value) => ({ type: "ip", value }) as const),
      ]),
    ],
  });
  return { certificate: certificate.toString("pem"), key: await exportKey(keys.privateKey) };
}

export interface CertificateFacts {
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly dnsNames: readonly string[];
  /** Signed by the authority it was read with. */
  readonly trusted: boolean;
}

/** What a stored certificate says; undefined when it cannot be read. */
export async function readCertificate(
  pem: string,
  authorityPem: string,
): Promise<CertificateFacts | undefined> {
  try {
    const leaf = new X509Certificate(pem);
    const names = leaf.getExtension(SubjectAlternativeNameExtension)?.names.items ?? [];
    const trusted = await leaf.verify({
      publicKey: new X509Certificate(authorityPem).publicKey,
      signatureOnly: true,
    });
    return {
      notBefore: leaf.notBefore,
      notAfter: leaf.notAfter,
      dnsNames: names.filter((name) => name.type === "dns").map((name) => name.value),
      trusted,
    };
  } catch {
    return undefined;
  }
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return PemConverter.encode(await subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  return subtle.importKey("pkcs8", PemConverter.decodeFirst(pem), ALGORITHM, false, ["sign"]);
}
