/** When a certificate has to be made anew. Pure. */
import type { CertificateFacts } from "./certificates";

const DAY_MS = 86_400_000;

/** spec.tls: duration = 90d, renewBefore = 30d. */
export const LEAF_DAYS = 90;
export const RENEW_BEFORE_DAYS = 30;
/** The CA outlives its leaves by far; its rotation is an act of its own (api.md, rotate). */
export const AUTHORITY_DAYS = 3650;
/** Clocks of nodes differ: valid from a little before now. */
const BACKDATE_MS = 5 * 60_000;

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** A certificate that is valid from now for so many days. */
export function validFor(days: number, now: Date): Validity {
  return {
    notBefore: new Date(now.getTime() - BACKDATE_MS),
    notAfter: new Date(now.getTime() + days * DAY_MS),
  };
}

/** Why the certificate must be made anew, or undefined while it is good. */
export function renewalReason(
  facts: CertificateFacts | undefined,
  wantedNames: readonly string[],
  now: Date,
): "missing" | "untrusted" | "expiring" | "names" | undefined {
  if (!facts) return "missing";
  if (!facts.trusted) return "untrusted";
  if (facts.notAfter.getTime() - now.getTime() < RENEW_BEFORE_DAYS * DAY_MS) return "expiring";
  const known = new Set(facts.dnsNames);
  return wantedNames.every((name) => known.has(name)) ? undefined : "names";
}
