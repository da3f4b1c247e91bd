import { describe, expect, test } from "vitest";
import type { MemberStatus } from "../api/agent";
import type { MySQLCluster } from "../api/mysqlcluster";
import { comeback, primaryOf, unhealthy, type PodView, type View } from "./view";

const member = (ordinal: number, over: Partial<MemberStatus> = {}): MemberStatus => ({
  name: `shop-${ordinal}`,
  memberId: `shop-${ordinal}#1`,
  agentVersion: "0.1.0",
  generation: 1,
  role: ordinal === 0 ? "primary" : "replica",
  term: 3,
  configuration: { term: 3, version: 1, voters: ["a", "b", "c"], witnesses: [], k: 1 },
  ready: true,
  phase: "serves",
  mysqld: "running",
  errant: "",
  ...over,
});

const pod = (ordinal: number, over: Partial<PodView> = {}): PodView => ({
  name: `shop-${ordinal}-0`,
  instance: `shop-${ordinal}`,
  uid: `u${ordinal}`,
  ip: `10.244.${ordinal}.2`,
  node: `node${ordinal}`,
  ready: true,
  deleting: false,
  ...over,
});

const cluster = (status: object): MySQLCluster =>
  ({
    apiVersion: "porpoise.dev/v1",
    kind: "MySQLCluster",
    metadata: { name: "shop", namespace: "default", generation: 2 },
    status: { observedGeneration: 2, phase: "Ready", primary: "shop-0", term: 3, ...status },
  }) as MySQLCluster;

const members = (...all: MemberStatus[]) => new Map(all.map((one) => [one.name, one]));

const whole: View = {
  cluster: cluster({}),
  pods: [pod(0), pod(1), pod(2)],
  members: members(member(0), member(1), member(2)),
  primary: { term: 3, addresses: ["10.244.0.2"] },
  replicas: { term: 3, addresses: ["10.244.2.2", "10.244.1.2"] },
};

test("a whole cluster is healthy", () => expect(unhealthy(whole, 3)).toBeUndefined());

describe("what keeps it from being whole is said", () => {
  const cases: { says: string; view: Partial<View> }[] = [
    { says: "2 of 3 pods exist", view: { pods: [pod(0), pod(1)] } },
    { says: "pod shop-1-0 is not Ready", view: { pods: [pod(0), pod(1, { ready: false }), pod(2)] } },
    { says: "pod shop-1-0 is being deleted", view: { pods: [pod(0), pod(1, { deleting: true }), pod(2)] } },
    { says: "the agent of shop-2 does not answer", view: { members: members(member(0), member(1)) } },
    {
      says: "2 members say that they are primary",
      view: { members: members(member(0), member(1, { role: "primary" }), member(2)) },
    },
    {
      says: "shop-2 is in term 4, the primary in 3",
      view: { members: members(member(0), member(1), member(2, { term: 4 })) },
    },
    {
      says: "shop-2: rewinding",
      view: { members: members(member(0), member(1), member(2, { ready: false, phase: "rewinding" })) },
    },
    {
      says: "2 of 3 instances vote",
      view: {
        members: members(
          member(0, { configuration: { term: 3, version: 1, voters: ["a", "b"], witnesses: [], k: 1 } }),
          member(1),
          member(2),
        ),
      },
    },
    {
      says: "shop-1 has errant transactions x:1",
      view: { members: members(member(0), member(1, { errant: "x:1" }), member(2)) },
    },
    {
      says: "the primary's Service leads to nobody, not 10.244.0.2",
      view: { primary: { addresses: [] } },
    },
    {
      says: "the replicas' Service leads to 10.244.1.2, not 10.244.1.2,10.244.2.2",
      view: { replicas: { addresses: ["10.244.1.2"] } },
    },
    { says: "the MySQLCluster has no status yet", view: { cluster: undefined } },
    { says: "the status is of an older generation", view: { cluster: cluster({ observedGeneration: 1 }) } },
    { says: "the phase is Degraded", view: { cluster: cluster({ phase: "Degraded" }) } },
    {
      says: "the status names shop-1 as primary, not shop-0",
      view: { cluster: cluster({ primary: "shop-1" }) },
    },
    { says: "the status names term 2, not 3", view: { cluster: cluster({ term: 2 }) } },
  ];
  test.each(cases)("$says", ({ says, view }) => expect(unhealthy({ ...whole, ...view }, 3)).toBe(says));
});

test("of two that say they are primary the one of the higher term counts", () => {
  const view = { members: members(member(0), member(1, { role: "primary", term: 4 })) };
  expect(primaryOf(view)?.name).toBe("shop-1");
  expect(primaryOf({ members: members(member(0, { ready: false })) })).toBeUndefined();
});

describe("how a member came back", () => {
  const since = Date.parse("2026-01-01T00:00:05Z");
  const uuid = "6f691e90-e5bd-11f1-a5a9-2e8c6d218a31";
  const event = (reason: string, message: string, at = since) => ({ at, reason, message });
  const discarded = { at: "2026-01-01T00:00:10Z", gtids: `${uuid}:7`, how: "rewind" } as const;

  test("its status tells what it discarded since the fault", () => {
    expect(comeback(member(0, { discarded }), [], since)).toEqual({ how: "rewind", gtids: `${uuid}:7` });
    expect(comeback(member(0, { discarded }), [], since + 10_000)).toEqual({ how: "kept" });
    expect(comeback(member(0), [], since)).toEqual({ how: "kept" });
  });

  test("so do its events, where a restarted agent has forgotten", () => {
    const events = [
      event("TransactionsDiscarded", `shop-0 discarded ${uuid}:6031-6032`),
      event("Cloned", "shop-0 took a clone of shop-1's data"),
    ];
    expect(comeback(member(0), events, since)).toEqual({ how: "clone", gtids: `${uuid}:6031-6032` });
    expect(comeback(member(1), events, since)).toEqual({ how: "kept" });
    expect(comeback(member(0), events, since + 60_000)).toEqual({ how: "kept" });
  });

  test("a clone may discard nothing", () => {
    const events = [event("Cloned", "shop-0 took a clone of shop-1's data")];
    expect(comeback(member(0), events, since)).toEqual({ how: "clone", gtids: undefined });
  });
});
