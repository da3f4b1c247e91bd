/** A CA and one certificate for the loopback addresses the members of a test listen on. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Makes `<directory>/{ca.crt,tls.crt,tls.key}`. */
export function makeCertificates(directory: string, addresses: readonly string[]): void {
  mkdirSync(directory, { recursive: true });
  const openssl = (...args: string[]): void =>
    void execFileSync("openssl", args, { cwd: directory, stdio: "pipe" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...key,
    "-keyout",
    "ca.key",
    "-out",
    "ca.crt",
    "-days",
    "2",
    "-subj",
    "/CN=test CA",
  );
  openssl("req", ...key, "-keyout", "tls.key", "-out", "tls.csr", "-subj", "/CN=member");
  writeFileSync(join(directory, "san"), `subjectAltName=${addresses.map((ip) => `IP:${ip}`).join(",")}\n`);
  const sign = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "san"];
  openssl("x509", "-req", "-in", "tls.csr", ...sign, "-out", "tls.crt");
}
