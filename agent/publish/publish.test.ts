import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Intent, PublishRequest } from "../../api/agent";
import { fakeApiServer, type FakeApiServer } from "../../test/samples/apiServer";
import { testAuthority } from "../../test/samples/certificates";
import { leading as sampleLeader, peer as samplePeer } from "../../test/samples/raft";
import type { Log } from "../log";
import { freshDurable, initialState, tuningOf } from "../raft";
import type { Leader, Peer, State, Told } from "../raft/types";
import type { Board } from "./board";
import { ConditionalWriter, type PublishOutcome } from "./conditional";
import { createFileBoard, createKubeBoard, createPublisher, readSliceFile, type Publisher } from ".";
import { noteOf } from "./notes";
import { replicasEndpoints, type ReplicasInput } from "./replicas";
import { createKeeper } from "./retry";
import { endpointSlice } from "./slice";

const self = { instance: "shop-0", pod: "shop-0-0", ip: "10.0.0.1", node: "node-a" };
const request = (term: number, ip = self.ip): PublishRequest => ({
  service: "primary",
  term,
  leader: "shop-0.a",
  endpoints: [{ ...self, ip }],
});
const tuning = tuningOf({ heartbeatMs: 150, electionTimeoutMs: 1000 }, true);
const voters = ["shop-0.a", "shop-1.b", "shop-2.c"];

const peer = (id: string, change: Partial<Peer["health"]> = {}, answeredAt = 1000): Peer =>
  samplePeer(id, {
    answeredAt,
    receiving: 3,
    health: { serving: true, lagMs: 0, address: `10.0.0.${id.charCodeAt(5) - 46}`, ...change },
  });
const leader = (peers: readonly Peer[], phase: Leader["phase"] = "open"): Leader =>
  sampleLeader({
    phase,
    leaseUntil: Infinity,
    peers: Object.fromEntries(peers.map((each) => [each.id, each])),
  });
function leading(term: number, role: State["role"] = leader([])): State {
  const config = { term, version: 1, voters, witnesses: [], k: 1 };
  return { ...initialState({ ...freshDurable("shop-0.a"), term, config }, tuning), role };
}

let directory: string;
let api: FakeApiServer;
let board: Board;
const publishers: Publisher[] = [];

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "publish-"));
  const authority = await testAuthority();
  api = await fakeApiServer(await authority.issue(["kubernetes"], ["127.0.0.1"]));
  await writeFile(path.join(directory, "ca.crt"), authority.certificate);
  await writeFile(path.join(directory, "token"), "token-1\n");
  board = await createKubeBoard({
    cluster: "shop",
    namespace: "retail",
    pod: "shop-0-0",
    instance: "shop-0",
    host: "127.0.0.1",
    port: api.port,
    serviceAccount: directory,
    timeoutMs: 200,
  });
});
afterEach(async () => {
  for (const publisher of publishers.splice(0)) publisher.close();
  board.close();
  await api.close();
  await rm(directory, { recursive: true });
});

describe("the conditional rule", () => {
  test("the first slice is created whole", async () => {
    const writer = new ConditionalWriter(board.slices);
    expect(await writer.write(request(3))).toEqual({ result: "written" });
    expect(api.slices.get("shop-primary")).toMatchObject({
      metadata: {
        labels: {
          "kubernetes.io/service-name": "shop-primary",
          "endpointslice.kubernetes.io/managed-by": "porpoise-agent",
          "porpoise.dev/cluster": "shop",
        },
        annotations: { "porpoise.dev/term": "3" },
        ownerReferences: [{ kind: "MySQLCluster", name: "shop", uid: "uid-1" }],
      },
      addressType: "IPv4",
      ports: [{ name: "mysql", port: 3306, protocol: "TCP" }],
      endpoints: [
        { addresses: ["10.0.0.1"], nodeName: "node-a", targetRef: { kind: "Pod", name: "shop-0-0" } },
      ],
    });
  });

  test("with a recent read a failover costs one request", async () => {
    api.touch("shop-primary", 2, "10.0.0.9");
    const writer = new ConditionalWriter(board.slices);
    await writer.refresh("primary");
    api.requests.length = 0;
    expect(await writer.write(request(3))).toEqual({ result: "written" });
    expect(api.requests).toEqual(["PUT shop-primary"]);
  });

  test("after a conflict it reads again and still wins over a lower term", async () => {
    api.touch("shop-primary", 1, "10.0.0.9");
    const writer = new ConditionalWriter(board.slices);
    await writer.refresh("primary");
    api.touch("shop-primary", 2, "10.0.0.8");
    api.requests.length = 0;
    expect(await writer.write(request(3))).toEqual({ result: "written" });
    expect(api.requests).toEqual(["PUT shop-primary", "GET shop-primary", "PUT shop-primary"]);
  });

  test("a higher term is never overwritten, also when it came after the read", async () => {
    api.touch("shop-primary", 2, "10.0.0.9");
    const writer = new ConditionalWriter(board.slices);
    await writer.refresh("primary");
    api.touch("shop-primary", 4, "10.0.0.2");
    expect(await writer.write(request(3))).toEqual({ result: "superseded", term: 4 });
    expect(api.slices.get("shop-primary")?.endpoints).toEqual([{ addresses: ["10.0.0.2"] }]);
  });

  test("a memory of what is stored ends nothing: it is read again first", async () => {
    const writer = new ConditionalWriter(board.slices);
    await writer.write(request(3));
    api.touch("shop-primary", 3, "10.0.0.7"); // A stranger's edit under our term.
    expect(await writer.write(request(3))).toEqual({ result: "written" });
    expect(api.slices.get("shop-primary")?.endpoints).toMatchObject([{ addresses: ["10.0.0.1"] }]);
    expect(await writer.write(request(3))).toEqual({ result: "same" });
  });

  test("a slice deleted under us is created again", async () => {
    const writer = new ConditionalWriter(board.slices);
    await writer.write(request(3));
    api.slices.delete("shop-primary");
    expect(await writer.write(request(4))).toEqual({ result: "written" });
    expect(api.slices.get("shop-primary")).toBeDefined();
  });

  test.each([0, 500, 403])("an API server that answers %d is unreachable, not superseding", async (fault) => {
    api.fault = fault;
    expect(await new ConditionalWriter(board.slices).write(request(3))).toMatchObject({
      result: "unreachable",
    });
  });
});

interface Setting {
  state: State;
  /** How far the publisher's clock is ahead of the machine's, ms. */
  ahead: number;
  readonly logged: string[];
  readonly asked: string[];
  readonly publisher: Publisher;
}

function publisher(
  start: State,
  askPeer: (instance: string) => Promise<PublishOutcome>,
  intent?: Intent,
): Setting {
  const fields = { state: start, ahead: 0, asked: [], logged: [] };
  const setting = fields as unknown as Setting & { publisher: Publisher };
  const note = (_fields: object, message: string): void => void setting.logged.push(message);
  const log: Log = { debug: note, info: note, warn: note, error: note };
  setting.publisher = createPublisher({
    self,
    board,
    log,
    state: () => setting.state,
    now: () => performance.now() + setting.ahead,
    intent: () =>
      intent ??
      ({
        members: ["shop-0", "shop-1", "shop-2"].map((name) => ({ name, role: "voter" })),
      } as unknown as Intent),
    askPeer: (instance) => {
      setting.asked.push(instance);
      return askPeer(instance);
    },
    refreshEveryMs: 60_000,
  });
  publishers.push(setting.publisher);
  return setting;
}
const noPeer = (): Promise<PublishOutcome> => Promise.reject(new Error("no route"));

describe("the publisher", () => {
  test("a leader without the API has another member write", async () => {
    api.fault = 0;
    const { publisher: one, asked } = publisher(leading(3), async (instance) =>
      instance === "shop-1" ? { result: "unreachable", reason: "no" } : { result: "written" },
    );
    one.publishPrimary(3);
    await vi.waitFor(() => expect(asked).toEqual(["shop-1", "shop-2"]), { timeout: 3000 });
  });

  test("it keeps trying while it leads, and the slice follows when the API is back", async () => {
    api.fault = 503;
    const { publisher: one } = publisher(leading(3), noPeer);
    one.publishPrimary(3);
    await vi.waitFor(() => expect(api.requests.length).toBeGreaterThan(3), { timeout: 3000 });
    expect(api.slices.size).toBe(0);
    api.fault = undefined;
    await vi.waitFor(
      () =>
        expect(api.slices.get("shop-primary")?.metadata.annotations).toMatchObject({
          "porpoise.dev/term": "3",
        }),
      { timeout: 3000 },
    );
  });

  test("it gives up when its term is over", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      api.fault = 503;
      const setting = publisher(leading(3), noPeer);
      setting.publisher.publishPrimary(3);
      await vi.waitFor(() => expect(api.requests.length).toBeGreaterThan(3), { timeout: 3000 });
      setting.state = leading(4, { role: "follower", answeredAt: 0, follow: "no" });
      api.fault = undefined;
      // Each pause ends, and what it begins has round trips to come to its end.
      for (let trip = 0; trip < 40; trip += 1) {
        await vi.advanceTimersByTimeAsync(300);
        await board.slices.read("primary");
      }
    } finally {
      vi.useRealTimers();
    }
    expect(api.slices.get("shop-primary")).toBeUndefined();
  });

  test("a deposed leader does not take the Service back when the API returns", async () => {
    api.touch("shop-primary", 5, "10.0.0.2");
    const { publisher: one, logged } = publisher(leading(3), noPeer); // It does not know yet.
    one.publishPrimary(3);
    const given = "the primary's slice is a higher term's, or another cluster's; not published";
    await vi.waitFor(() => expect(logged).toContain(given));
    expect(api.slices.get("shop-primary")?.endpoints).toEqual([{ addresses: ["10.0.0.2"] }]);
  });

  test("the role label is set, corrected and removed, also over failures", async () => {
    const { publisher: one } = publisher(leading(3), noPeer);
    api.fault = 500;
    one.follow(leading(3));
    await vi.waitFor(() => expect(api.requests).toContain("PATCH shop-0-0"));
    api.fault = undefined;
    await vi.waitFor(() => expect(api.labels).toEqual({ "porpoise.dev/role": "primary" }), { timeout: 3000 });
    one.follow(leading(4, { role: "follower", answeredAt: 0, follow: "no" }));
    await vi.waitFor(() => expect(api.labels).toEqual({ "porpoise.dev/role": "replica" }));
    one.follow({ ...leading(4), durable: { ...leading(4).durable, quarantined: "u:1" } });
    await vi.waitFor(() => expect(api.labels).toEqual({ "porpoise.dev/role": null }));
  });

  test("replicas enter and leave by their health, at most one write a second", async () => {
    const members = ["shop-0", "shop-1", "shop-2"].map((name) => ({ name, role: "voter" }));
    const intent = { members, maxLagMs: 1000, usePrimary: "fallback" } as unknown as Intent;
    const at = (): number => performance.now() + 1_050;
    const both = () => leading(3, leader([peer("shop-1.b", {}, at()), peer("shop-2.c", {}, at())]));
    const setting = publisher(both(), noPeer, intent);
    setting.publisher.publishPrimary(3);
    setting.publisher.follow(both());
    setting.ahead = 1_050; // Replicas have had their time to turn to the new leader.
    const ips = () => api.slices.get("shop-replicas")?.endpoints.flatMap(({ addresses }) => addresses);
    setting.publisher.follow(both());
    await vi.waitFor(() => expect(ips()).toEqual(["10.0.0.3", "10.0.0.4"]));
    api.requests.length = 0;
    for (let round = 0; round < 20; round += 1)
      setting.publisher.follow(
        leading(
          3,
          leader([
            peer("shop-1.b", { lagMs: round * 100 }, at()),
            peer("shop-2.c", { serving: false }, at()),
          ]),
        ),
      );
    await vi.waitFor(() => expect(ips()).toEqual(["10.0.0.1"]), { timeout: 2000 });
    expect(api.requests.filter((line) => line.startsWith("PUT"))).toEqual(["PUT shop-replicas"]);
  });

  test("events name the cluster's object", async () => {
    const { publisher: one } = publisher(leading(3), noPeer);
    one.tell({ what: "FailedOver", term: 3, reason: "the leader was silent" });
    await vi.waitFor(() =>
      expect(api.events).toMatchObject([
        {
          reason: "FailedOver",
          type: "Warning",
          message: "shop-0 took over as primary in term 3 (the leader was silent)",
          involvedObject: { kind: "MySQLCluster", name: "shop", uid: "uid-1" },
        },
      ]),
    );
  });
});

describe("replicas", () => {
  type Case = Partial<ReplicasInput> & { name: string; peers: Peer[]; serve: string[] };
  const cases: Case[] = [
    {
      name: "wanted no more",
      peers: [peer("shop-1.b"), peer("shop-2.c")],
      wanted: ["shop-0", "shop-1"],
      serve: ["shop-1"],
    },
    { name: "both", peers: [peer("shop-2.c"), peer("shop-1.b")], serve: ["shop-1", "shop-2"] },
    {
      name: "lag above the limit",
      peers: [peer("shop-1.b", { lagMs: 10_001 }), peer("shop-2.c", { lagMs: 10_000 })],
      serve: ["shop-2"],
    },
    { name: "lag unknown", peers: [peer("shop-1.b", { lagMs: Infinity })], usePrimary: "never", serve: [] },
    {
      name: "I9: not serving",
      peers: [peer("shop-1.b", { serving: false })],
      usePrimary: "never",
      serve: [],
    },
    { name: "silent", peers: [peer("shop-1.b", {}, -1500)], usePrimary: "never", serve: [] },
    { name: "no address", peers: [peer("shop-1.b", { address: "" })], usePrimary: "never", serve: [] },
    { name: "fallback, unneeded", peers: [peer("shop-1.b")], usePrimary: "fallback", serve: ["shop-1"] },
    { name: "fallback", peers: [], usePrimary: "fallback", serve: ["shop-0"] },
    { name: "always", peers: [peer("shop-1.b")], usePrimary: "always", serve: ["shop-0", "shop-1"] },
  ];
  test.each(cases)("$name", ({ peers, usePrimary = "fallback", wanted, serve }) => {
    const input = { leader: leader(peers), self, maxLagMs: 10_000, usePrimary, now: 1000, silentMs: 2400 };
    expect(replicasEndpoints({ ...input, wanted }).map(({ instance }) => instance)).toEqual(serve);
  });
});

test("a keeper applies the newest value, one at a time, and repeats a failure", async () => {
  vi.useFakeTimers();
  const applied: number[] = [];
  let fail = true;
  const keeper = createKeeper<number>({
    apply: async (value) => {
      applied.push(value);
      if (fail) throw new Error("no");
    },
    same: (a, b) => a === b,
    everyMs: 0,
    onError: () => undefined,
  });
  keeper.want(1);
  await vi.advanceTimersByTimeAsync(0);
  expect(applied).toEqual([1]);
  keeper.want(2);
  keeper.want(3);
  fail = false;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(applied).toEqual([1, 3]);
  keeper.want(3);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(applied).toEqual([1, 3]);
  keeper.close();
  vi.useRealTimers();
});

test("the file board keeps the rule between agents that share it", async () => {
  const shared = path.join(directory, "board");
  const [a, b] = await Promise.all([createFileBoard(shared, "shop-0"), createFileBoard(shared, "shop-1")]);
  const [first, second] = [new ConditionalWriter(a.slices), new ConditionalWriter(b.slices)];
  await Promise.all([first.refresh("primary"), second.refresh("primary")]);
  expect(await first.write(request(3))).toEqual({ result: "written" });
  expect(await second.write(request(4, "10.0.0.2"))).toEqual({ result: "written" });
  expect(await first.write(request(3, "10.0.0.3"))).toEqual({ result: "superseded", term: 4 });
  expect(await readSliceFile(shared, "primary")).toMatchObject({ term: 4, endpoints: [{ ip: "10.0.0.2" }] });
  await a.setRole("primary");
  expect(JSON.parse(await readFile(path.join(shared, "role-shop-0.json"), "utf8"))).toEqual({
    instance: "shop-0",
    role: "primary",
  });
});

test("an IPv6 pod gets an IPv6 slice", () => {
  const place = { cluster: "shop", namespace: "retail" };
  expect(endpointSlice(request(1, "fd00::1"), place, undefined)).toMatchObject({ addressType: "IPv6" });
});

test("what only the log is told is no event; long sets are cut", () => {
  expect(noteOf({ what: "VerbFailed", verb: "clone", reason: "x" }, "shop-0")).toBeUndefined();
  const told: Told = { what: "TransactionsDiscarded", gtids: "u:1,".repeat(500) };
  expect(noteOf(told, "shop-0")?.message.length).toBeLessThan(500);
});
