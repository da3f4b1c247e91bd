import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { testAuthority, writeCertificates, type TestAuthority } from "../../test/samples/certificates";
import { secureApp, type AgentApi } from "../http/apps";
import { agentChecker, listenSecure, type Listening } from "../http/servers";
import { silentLog } from "../log";
import { instanceOf } from "../names";
import type { Message } from "../raft/types";
import { createAddresses, searchList } from "./addresses";
import { agentName, createPeers, watchCertificates, type CertificateSource, type Peers } from ".";
import { parseMessage } from "./validate";
import { createLane } from "./lane";

const CLUSTER = "shop";
const clusterId = "0b5f8f3c-9f5e-4d5e-8a53-0c8a3b7d9f10";
const envelope = { clusterId, from: "shop-0.aaaa" } as const;
const vote = (term: number): Message => ({
  ...envelope,
  type: "vote",
  term,
  standing: { lastTerm: 1, received: "" },
  configTerm: 1,
  configVersion: 1,
  won: 0,
  transfer: 0,
  cause: "leader-silent",
});
const heartbeat = (round: number): Message => ({
  ...envelope,
  type: "heartbeat",
  term: 3,
  round,
  receivable: true,
  open: true,
  electedSet: "",
  serverUuid: "u",
  knownUuids: [],
  donor: "shop-0.aaaa",
  config: { term: 3, version: 1, voters: ["shop-0.aaaa"], witnesses: [], k: 0 },
});

let authority: TestAuthority;
let directory: string;
let certificates: CertificateSource;
const open: { close(): unknown }[] = [];

beforeAll(async () => {
  authority = await testAuthority();
});

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "peers-"));
  certificates = await source("agent", [agentName(CLUSTER)]);
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
  await rm(directory, { recursive: true });
});

async function source(name: string, sans: readonly string[], by = authority): Promise<CertificateSource> {
  await writeCertificates(path.join(directory, name), await by.issue(sans), by.certificate);
  const found = await watchCertificates(path.join(directory, name), silentLog, 20);
  open.push(found);
  return found;
}

interface Receiver extends Listening {
  readonly received: Message[];
}

/** A real agent's secure server that keeps what it is sent. */
async function receiver(port = 0, shown = certificates): Promise<Receiver> {
  const received: Message[] = [];
  const api = {
    raft: (body: unknown) => {
      const parsed = parseMessage(body, clusterId);
      if ("refused" in parsed) return parsed;
      received.push(parsed.message);
      return undefined;
    },
  } as Partial<AgentApi> as AgentApi;
  const app = secureApp(
    api,
    agentChecker(() => [agentName(CLUSTER)]),
  );
  const server = await listenSecure(app, shown, { host: "127.0.0.1", port });
  open.push(server);
  return { ...server, received };
}

function sender(port: number, shown = certificates, timeoutMs = 150): Peers {
  const addresses = createAddresses(() => Promise.reject(new Error("no DNS here")));
  const peers = createPeers({
    cluster: CLUSTER,
    self: "shop-0",
    certificates: shown,
    addresses,
    port,
    timeoutMs,
    instanceOf,
    hostOf: () => "127.0.0.1",
    log: silentLog,
    warmEveryMs: 0,
  });
  open.push(peers);
  return peers;
}

test("messages arrive over mutual TLS, each once", async () => {
  const server = await receiver();
  const peers = sender(server.port);
  for (let term = 1; term <= 12; term += 1) peers.send("shop-1.bbbb", vote(term));
  await vi.waitFor(() => expect(server.received).toHaveLength(12));
  expect(server.received.map((message) => "term" in message && message.term).sort()).toEqual(
    Array.from({ length: 12 }, (_, at) => at + 1).sort(),
  );
});

test("a caller without a certificate of the CA, or with one that names no agent, is refused", async () => {
  const server = await receiver();
  const stranger = sender(
    server.port,
    await source("stranger", [agentName(CLUSTER)], await testAuthority("other")),
  );
  await expect(
    stranger.request("shop-1", { method: "GET", path: "/v1/ping", timeoutMs: 500 }),
  ).rejects.toThrow();
  const client = sender(server.port, await source("client", ["console.shop"]));
  const options = {
    method: "POST",
    path: "/v1/raft",
    body: JSON.stringify(vote(1)),
    timeoutMs: 500,
  } as const;
  expect(await client.request("shop-1", options)).toMatchObject({ status: 403 });
  expect(server.received).toEqual([]);
});

test("a server that shows another name is not talked to", async () => {
  const server = await receiver(0, await source("impostor", ["agent.other.porpoise"]));
  const peers = sender(server.port);
  await expect(peers.request("shop-1", { method: "GET", path: "/v1/ping", timeoutMs: 500 })).rejects.toThrow(
    /altnames/i,
  );
});

test("malformed messages and those of another cluster are refused with a reason", async () => {
  const server = await receiver();
  const peers = sender(server.port);
  const post = async (body: object) => {
    const reply = await peers.request("shop-1", {
      method: "POST",
      path: "/v1/raft",
      body: JSON.stringify(body),
      timeoutMs: 500,
    });
    return [reply.status, (JSON.parse(reply.body || "{}") as { reason?: string }).reason];
  };
  expect(await post({ ...vote(1), term: "7" })).toEqual([400, "vote: term is missing or malformed"]);
  expect(await post({ ...envelope, type: "constructor" })).toEqual([
    400,
    'unknown type of message: "constructor"',
  ]);
  expect((await post({ ...vote(1), clusterId: "another" }))[0]).toBe(409);
  expect((await post({ ...vote(1), standing: { lastTerm: 1, received: "x".repeat(2 << 20) } }))[0]).toBe(413);
  expect(server.received).toEqual([]);
});

/** Accepts and never answers, as a host behind a dead link. */
function blackHole(
  port = 0,
): Promise<{ port: number; sockets: Set<Socket>; connections: () => number; close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server: Server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket
      .on("error", () => undefined)
      .on("close", () => sockets.delete(socket))
      .resume();
  });
  return new Promise((resolve) => {
    server.listen(port, "127.0.0.1", () => {
      const close = () =>
        new Promise<void>((done) => {
          for (const socket of sockets) socket.destroy();
          server.close(() => done());
        });
      resolve({
        port: (server.address() as { port: number }).port,
        sockets,
        connections: () => connections,
        close,
      });
    });
  });
}

test("behind a black hole heartbeats do not pile up, and the first one after it arrives", async () => {
  const hole = await blackHole();
  const peers = sender(hole.port);
  for (let round = 1; round <= 40; round += 1) {
    peers.send("shop-1.bbbb", heartbeat(round));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(hole.sockets.size).toBeLessThanOrEqual(8);
  expect(hole.connections()).toBeLessThan(40);
  await hole.close();
  const server = await receiver(hole.port);
  await vi.waitFor(() => expect(server.received.length).toBeGreaterThan(0), { timeout: 2000 });
  // Of those that waited only the newest came through.
  expect(server.received.map((message) => message.type === "heartbeat" && message.round)).toEqual(
    expect.arrayContaining([40]),
  );
  expect(server.received.length).toBeLessThanOrEqual(4);
  peers.send("shop-1.bbbb", heartbeat(41));
  await vi.waitFor(() => expect(server.received.at(-1)).toMatchObject({ round: 41 }), { timeout: 400 });
});

test("a restarted peer is reached by the next message", async () => {
  const first = await receiver();
  const peers = sender(first.port);
  peers.send("shop-1.bbbb", heartbeat(1));
  await vi.waitFor(() => expect(first.received).toHaveLength(1));
  await first.close();
  peers.send("shop-1.bbbb", heartbeat(2));
  await new Promise((resolve) => setTimeout(resolve, 50));
  const second = await receiver(first.port);
  peers.send("shop-1.bbbb", heartbeat(3));
  await vi.waitFor(() => expect(second.received).toMatchObject([{ round: 3 }]), { timeout: 400 });
});

test("renewed certificates are shown without a restart", async () => {
  const next = await testAuthority("next");
  const server = await receiver();
  const peers = sender(server.port);
  const ping = { method: "GET", path: "/v1/ping", timeoutMs: 500 } as const;
  expect((await peers.request("shop-1", ping)).status).toBe(204);
  await writeCertificates(
    path.join(directory, "agent"),
    await next.issue([agentName(CLUSTER)]),
    next.certificate,
  );
  await vi.waitFor(async () => {
    expect(certificates.current().ca.toString()).toBe(next.certificate);
    expect((await peers.request("shop-1", ping)).status).toBe(204);
  });
  const old = sender(server.port, await source("old", [agentName(CLUSTER)]));
  await expect(old.request("shop-1", ping)).rejects.toThrow();
});

test("a lane keeps the newest of a kind and drops the oldest of the rest", () => {
  const delivered: string[] = [];
  const ends: (() => void)[] = [];
  const deliver = ({ body }: { body: string }) =>
    new Promise<void>((resolve) => (delivered.push(body), ends.push(resolve)));
  const lane = createLane({ inFlightMax: 1, waitingMax: 2, deliver });
  lane.put({ body: "first" });
  for (const body of ["h1", "h2", "h3"]) lane.put({ kind: "heartbeat", body });
  expect(lane.load()).toEqual({ inFlight: 1, waiting: 1 });
  lane.put({ body: "v1" });
  lane.put({ body: "v2" });
  expect(lane.load()).toEqual({ inFlight: 1, waiting: 2 });
  expect(delivered).toEqual(["first"]);
});

test("an address is used at once while it is looked up anew, and a failure tries what the peer itself showed", async () => {
  const answers = ["10.0.0.1", "10.0.0.1"];
  let asked = 0;
  const addresses = createAddresses(
    () => {
      asked += 1;
      const answer = answers.shift();
      return answer ? Promise.resolve(answer) : Promise.reject(new Error("SERVFAIL"));
    },
    0,
    0,
  );
  expect(addresses.get("shop-1")).toBeUndefined();
  await vi.waitFor(() => expect(addresses.get("shop-1")).toBe("10.0.0.1"));
  await vi.waitFor(() => {
    addresses.get("shop-1");
    expect(asked).toBeGreaterThan(2);
  });
  expect(addresses.get("shop-1")).toBe("10.0.0.1"); // The last good one outlives a dead DNS.
  addresses.seen("shop-1", "::ffff:10.0.0.9");
  addresses.failed("shop-1", "10.0.0.1");
  expect(addresses.get("shop-1")).toBe("10.0.0.9");
  expect(addresses.get("127.0.0.2")).toBe("127.0.0.2");
});

test("the search list of resolv.conf is what getaddrinfo would take", () => {
  const text =
    "nameserver 10.96.0.10\nsearch old\nsearch ns.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n";
  expect(searchList(text)).toEqual(["ns.svc.cluster.local", "svc.cluster.local", "cluster.local"]);
  expect(searchList("")).toEqual([]);
});

test("an unknown lag survives JSON", () => {
  const health = { serving: false, lagMs: Infinity, address: "10.0.0.1" };
  const reply = {
    ...envelope,
    type: "heartbeatReply",
    term: 1,
    round: 1,
    receiving: 0,
    abstain: false,
    received: "",
    serverUuids: [],
    configTerm: 3,
    configVersion: 1,
    acknowledging: true,
    dataless: false,
    health,
  };
  const parsed = parseMessage(JSON.parse(JSON.stringify(reply)), clusterId);
  expect("message" in parsed && parsed.message).toMatchObject({ health });
});
