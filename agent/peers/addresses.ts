/**
 * Addresses of the peers. A look-up must never stand between two heartbeats, so the last good address is used at
 * once and looked up anew behind it: now and then, and after each failure to connect.
 *
 * c-ares (`Resolver`) instead of getaddrinfo: `dns.lookup` works on the thread pool that also does the fsync of
 * state.json; four look-ups against a dead DNS server would hold a vote back for seconds. c-ares does not know the
 * search list, so it is applied here.
 */
import { Resolver } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";

export interface Addresses {
  /** The address to try now; undefined until the first answer came. Never waits. */
  get(host: string): string | undefined;
  /** The address, waiting for a first answer when there is none. @throws when the name does not resolve. */
  wait(host: string): Promise<string>;
  /** Connecting to `address` failed: look up anew, and try another one meanwhile. */
  failed(host: string, address: string): void;
  /** A verified peer was seen at this address: used when the name's own answer fails. */
  seen(host: string, address: string): void;
}

export type Resolve = (host: string) => Promise<string>;

interface Entry {
  good?: string;
  seen?: string;
  /** Monotonic ms of the last look-up's start. */
  askedAt: number;
  pending?: Promise<string>;
}

/** Addresses by `resolve`, refreshed when older than `freshMs`, after a failure at most every `retryMs`. */
export function createAddresses(resolve: Resolve, freshMs = 10_000, retryMs = 250): Addresses {
  const entries = new Map<string, Entry>();
  const entryOf = (host: string): Entry => {
    const known = entries.get(host) ?? { askedAt: -Infinity };
    entries.set(host, known);
    return known;
  };
  const ask = (host: string, entry: Entry): Promise<string> => {
    entry.askedAt = performance.now();
    entry.pending ??= resolve(host)
      .then((address) => (entry.good = address))
      .finally(() => (entry.pending = undefined));
    return entry.pending;
  };
  const refresh = (host: string, entry: Entry, olderThanMs: number): void => {
    if (entry.pending || performance.now() - entry.askedAt < olderThanMs) return;
    ask(host, entry).catch(() => undefined); // The last good address stays; the next use asks again.
  };
  return {
    get(host) {
      if (isIP(host)) return host;
      const entry = entryOf(host);
      const address = entry.good ?? entry.seen;
      refresh(host, entry, address === undefined ? retryMs : freshMs);
      return address;
    },
    async wait(host) {
      return this.get(host) ?? ask(host, entryOf(host));
    },
    failed(host, address) {
      if (isIP(host)) return;
      const entry = entryOf(host);
      // A restarted pod has a new address, and its messages tell it before DNS does.
      if (entry.good === address && entry.seen !== undefined) entry.good = entry.seen;
      refresh(host, entry, retryMs);
    },
    seen(host, address) {
      if (!isIP(host)) entryOf(host).seen = address.replace(/^::ffff:/, "");
    },
  };
}

/** Resolves with the system's servers and search list, all candidates at once, the first answer wins. */
export async function systemResolve(file = "/etc/resolv.conf"): Promise<Resolve> {
  const search = searchList(await readFile(file, "utf8").catch(() => ""));
  const resolver = new Resolver({ timeout: 500, tries: 2 });
  const first = async (name: string): Promise<string> => {
    const found = await resolver.resolve4(name).catch(() => resolver.resolve6(name));
    if (found[0] === undefined) throw new Error(`no address for ${name}`);
    return found[0];
  };
  return (host) => Promise.any([host, ...search.map((domain) => `${host}.${domain}`)].map(first));
}

/** The search domains of a resolv.conf; the last `search` line counts (resolv.conf(5)). */
export function searchList(text: string): readonly string[] {
  const lines = text.split("\n").filter((line) => /^\s*search\s/.test(line));
  return (lines.at(-1) ?? "").trim().split(/\s+/).slice(1);
}
