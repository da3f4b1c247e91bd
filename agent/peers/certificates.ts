/**
 * The agents' certificate as files (Secret `<c>-agent`). The kubelet swaps them under us when they are renewed; a
 * look every few seconds finds that without inotify, which misses the symbolic link's swap on some file systems.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import * as path from "node:path";
import type { Log } from "../log";
import { reasonOf } from "../log";

export interface Certificates {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer;
}

export interface CertificateSource {
  current(): Certificates;
  /** Called with each renewed set. */
  onChange(listener: (certificates: Certificates) => void): void;
  close(): void;
}

/** Reads tls.crt, tls.key and ca.crt of `directory`. @throws when one is missing. */
export async function readCertificates(directory: string): Promise<Certificates> {
  const [cert, key, ca] = await Promise.all(
    ["tls.crt", "tls.key", "ca.crt"].map((name) => readFile(path.join(directory, name))),
  );
  if (!cert || !key || !ca) throw new Error(`${directory} lacks a certificate`);
  return { cert, key, ca };
}

/** The certificates of `directory`, looked at anew every `everyMs`. A set that cannot be read keeps the old one. */
export async function watchCertificates(
  directory: string,
  log: Log,
  everyMs = 10_000,
): Promise<CertificateSource> {
  let current = await readCertificates(directory);
  const listeners: ((certificates: Certificates) => void)[] = [];
  const look = async (): Promise<void> => {
    const next = await readCertificates(directory);
    if (fingerprint(next) === fingerprint(current)) return;
    current = next;
    log.info({ directory }, "certificates renewed");
    for (const listener of listeners) listener(next);
  };
  const timer = setInterval(() => {
    look().catch((error: unknown) =>
      log.warn({ directory, error: reasonOf(error) }, "certificates not read"),
    );
  }, everyMs);
  timer.unref();
  return {
    current: () => current,
    onChange: (listener) => void listeners.push(listener),
    close: () => clearInterval(timer),
  };
}

function fingerprint({ cert, key, ca }: Certificates): string {
  return createHash("sha256").update(cert).update(key).update(ca).digest("hex");
}
