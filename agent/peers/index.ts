/** The other agents: one-way messages out, requests for help; what comes in enters through agent/http. */
import type { MemberId, Message } from "../raft/types";
import type { PeersPort } from "../ports";
import type { HttpsClient, Reply, RequestOptions } from "../https";
import { reasonOf, type Log } from "../log";
import type { Addresses } from "./addresses";
import type { CertificateSource } from "./certificates";
import { createPeerClient } from "./client";
import { agentName } from "./identity";
import { createLane, type Lane } from "./lane";

export { createAddresses, systemResolve, type Addresses } from "./addresses";
export { watchCertificates, type CertificateSource } from "./certificates";
export { agentName, identityProblem } from "./identity";
export { parseMessage } from "./validate";

export interface PeersOptions {
  readonly cluster: string;
  /** The own instance: messages to it are dropped. */
  readonly self: string;
  readonly certificates: CertificateSource;
  readonly addresses: Addresses;
  readonly port: number;
  /** Milliseconds until a message is given up. */
  readonly timeoutMs: number;
  /** Host of an instance: DNS name or address. */
  readonly hostOf: (instance: string) => string;
  readonly instanceOf: (id: MemberId) => string;
  readonly log: Log;
  /** Milliseconds between two looks that keep an idle connection (and the address) warm; 0 = never. */
  readonly warmEveryMs?: number;
}

export interface Peers extends PeersPort {
  /** A request to a peer's agent. @throws Error when it cannot be reached in time. */
  request(instance: string, options: RequestOptions): Promise<Reply>;
  /** A verified message of `id` came from this address. */
  seen(id: MemberId, address: string): void;
  /** Instances whose connections are kept warm, as the intent names them. */
  setInstances(instances: readonly string[]): void;
  close(): void;
}

/** Only the newest counts: it tells all that the older ones told. */
const NEWEST_WINS: ReadonlySet<Message["type"]> = new Set(["heartbeat", "heartbeatReply", "hello"]);

interface Peer {
  readonly host: string;
  readonly client: HttpsClient;
  readonly lane: Lane;
  reachable?: boolean;
}

/** The peers of one agent. */
export function createPeers(options: PeersOptions): Peers {
  return new PeerSet(options);
}

class PeerSet implements Peers {
  private readonly peers = new Map<string, Peer>();
  private readonly warming: NodeJS.Timeout | undefined;
  private instances: readonly string[] = [];

  constructor(private readonly options: PeersOptions) {
    const everyMs = options.warmEveryMs ?? 5_000;
    if (everyMs > 0) this.warming = setInterval(() => this.warm(), everyMs).unref();
    options.certificates.onChange(() => {
      for (const peer of this.peers.values()) peer.client.reset();
    });
  }

  send(to: MemberId, message: Message): void {
    this.sendByName(this.options.instanceOf(to), message);
  }

  sendByName(instance: string, message: Message): void {
    if (instance === this.options.self) return;
    const kind = NEWEST_WINS.has(message.type) ? message.type : undefined;
    this.peerOf(instance).lane.put({ kind, body: JSON.stringify(message) });
  }

  request(instance: string, request: RequestOptions): Promise<Reply> {
    return this.ask(this.peerOf(instance), request);
  }

  seen(id: MemberId, address: string): void {
    this.options.addresses.seen(this.options.hostOf(this.options.instanceOf(id)), address);
  }

  setInstances(instances: readonly string[]): void {
    this.instances = instances.filter((instance) => instance !== this.options.self);
    this.warm();
  }

  close(): void {
    clearInterval(this.warming);
    for (const peer of this.peers.values()) peer.client.close();
  }

  private peerOf(instance: string): Peer {
    const known = this.peers.get(instance);
    if (known) return known;
    const { cluster, certificates, port, hostOf } = this.options;
    const host = hostOf(instance);
    const names = [agentName(cluster), host];
    const peer: Peer = {
      host,
      client: createPeerClient({ port, certificates, names }),
      lane: createLane({
        inFlightMax: 4,
        waitingMax: 16,
        deliver: (parcel) => this.deliver(instance, parcel.body),
      }),
    };
    this.peers.set(instance, peer);
    return peer;
  }

  private async deliver(instance: string, body: string): Promise<void> {
    const peer = this.peerOf(instance);
    const { timeoutMs, log } = this.options;
    try {
      const { status, body: text } = await this.ask(peer, {
        method: "POST",
        path: "/v1/raft",
        body,
        timeoutMs,
      });
      this.report(instance, status < 300, `refused with ${status}: ${text.slice(0, 200)}`);
    } catch (error) {
      this.report(instance, false, reasonOf(error));
      log.debug({ instance, error: reasonOf(error) }, "message lost");
    }
  }

  private async ask(peer: Peer, request: RequestOptions): Promise<Reply> {
    const { addresses } = this.options;
    const address = addresses.get(peer.host) ?? (await within(addresses.wait(peer.host), request.timeoutMs));
    try {
      return await peer.client.request(address, request);
    } catch (error) {
      addresses.failed(peer.host, address);
      throw error;
    }
  }

  /** One line when a peer goes and one when it comes back, not one for each message. */
  private report(instance: string, reachable: boolean, reason: string): void {
    const peer = this.peerOf(instance);
    if (peer.reachable === reachable) return;
    peer.reachable = reachable;
    if (reachable) this.options.log.info({ peer: instance }, "peer reachable");
    else this.options.log.warn({ peer: instance, reason }, "peer not reachable");
  }

  /** Followers do not talk to each other until one of them stands: a handshake then would cost milliseconds. */
  private warm(): void {
    for (const instance of this.instances) {
      const path = "/v1/ping";
      this.request(instance, { method: "GET", path, timeoutMs: 1_000 }).catch(() => undefined);
    }
  }
}

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no address within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
