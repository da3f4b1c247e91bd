import { describe, expect, test } from "vitest";
import type { WantedMember } from "../../api/agent";
import { leading, peer as samplePeer } from "../../test/samples/raft";
import type { Peer } from "../raft/types";
import { poolsEndpoints } from "./replicas";
import { endpointSlice } from "./slice";

const TERM = 3;
const peer = (id: string, change: Partial<Peer["health"]> = {}, answeredAt = 1000): Peer =>
  samplePeer(id, {
    answeredAt,
    receiving: TERM,
    health: { serving: true, lagMs: 0, address: "10.0.0.9", ...change },
  });

describe("pools of read replicas", () => {
  const cases: { name: string; members: WantedMember[]; peers: Peer[]; serve: Record<string, string[]> }[] = [
    {
      name: "each by its own members; voters are in none",
      members: [
        { name: "shop-0", role: "voter" },
        { name: "shop-eu-0", role: "learner", pool: "eu" },
        { name: "shop-us-0", role: "learner", pool: "us" },
      ],
      peers: [peer("shop-1.b"), peer("shop-eu-0.x"), peer("shop-us-0.y", { lagMs: 10_001 })],
      serve: { eu: ["shop-eu-0"], us: [] },
    },
    {
      name: "a delayed one serves as long as it replicates from this leader",
      members: [{ name: "shop-old-0", role: "learner", pool: "old", delayMs: 3_600_000 }],
      peers: [peer("shop-old-0.x", { serving: false, lagMs: 3_600_000 })],
      serve: { old: ["shop-old-0"] },
    },
    {
      name: "silent",
      members: [{ name: "shop-eu-0", role: "learner", pool: "eu" }],
      peers: [peer("shop-eu-0.x", {}, -1500)],
      serve: { eu: [] },
    },
  ];
  test.each(cases)("$name", ({ members, peers, serve }) => {
    const leader = leading({
      phase: "open",
      leaseUntil: Infinity,
      peers: Object.fromEntries(peers.map((one) => [one.id, one])),
    });
    const input = { leader, members, term: TERM, maxLagMs: 10_000, now: 1000, silentMs: 2400 };
    const named = [...poolsEndpoints(input)].map(([pool, list]) => [pool, list.map((one) => one.instance)]);
    expect(Object.fromEntries(named)).toEqual(serve);
    const elsewhere = poolsEndpoints({ ...input, term: TERM + 1 });
    if (members.some(({ delayMs }) => delayMs)) expect([...elsewhere.values()].flat()).toEqual([]);
  });
});

test("a pool's slice has the name of its Service", () => {
  const request = { service: "reports", term: TERM, leader: "shop-0.a", endpoints: [] };
  const slice = endpointSlice(request, { cluster: "shop", namespace: "retail" }, undefined);
  expect(slice).toMatchObject({
    metadata: { name: "shop-reports", labels: { "kubernetes.io/service-name": "shop-reports" } },
  });
});
