/** Who may take over, what the leader tells of the others, and the recovery in two steps. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RECOVER_PLAN_MS, type MemberStatus } from "../../api/agent";
import { a, b, c, config, K, leader, member, NOW, peer } from "../../test/samples/raft";
import { silentLog } from "../log";
import type { Event, State } from "../raft/types";
import { changeOf, peersOf } from "./members";
import { createRecovery, type Recovery } from "./recovery";
import { transferTarget } from "./target";

const withB = (more: Parameters<typeof peer>[1]): State => leader({ peers: { [b]: peer(b, more) } });
const health = (lagMs: number) => ({ serving: true, lagMs, address: "" });

describe("to whom leadership may be handed over", () => {
  const refusals: { name: string; state: State; to?: string; reason: string }[] = [
    {
      name: "lags",
      state: withB({ health: health(12_340) }),
      to: "x-1",
      reason: "x-1 lags by 12.3 s; writers would wait for as long (limit 2.0 s)",
    },
    {
      name: "silent",
      state: withB({ answeredAt: NOW - 5_000 }),
      to: "x-1",
      reason: "x-1 has not answered for 5.0 s",
    },
    {
      name: "does not follow",
      state: withB({ receiving: 0 }),
      to: "x-1",
      reason: "x-1 does not replicate from the primary yet",
    },
    {
      name: "abstains",
      state: withB({ abstain: true }),
      to: "x-1",
      reason: "x-1 abstains from elections until it has caught up",
    },
    { name: "never answered", state: withB({}), to: "x-2", reason: "x-2 has not answered in this term" },
    {
      name: "witness",
      state: leader({}, { durable: { config: { ...config, witnesses: [c] } } }),
      to: "x-2",
      reason: "x-2 is a witness: it holds no data",
    },
    {
      name: "unknown",
      state: leader(),
      to: "x-9",
      reason: "x-9 is not an instance of this cluster; its voters are x-0, x-1, x-2",
    },
    {
      name: "learner",
      state: leader({}, { state: { intent: intentOf([{ name: "r-0", role: "learner" }]) } }),
      to: "r-0",
      reason: "r-0 is a learner: it never becomes primary",
    },
    {
      name: "not in yet",
      state: leader({}, { state: { observers: [{ id: "x-3.d", dataless: false }] } }),
      to: "x-3",
      reason: "x-3 is not a voter yet",
    },
    { name: "itself", state: leader(), to: "x-0", reason: "x-0 is the primary already" },
    { name: "no leader", state: member(), to: "x-1", reason: "x-0 is not the leader" },
    {
      name: "nobody fits",
      state: withB({ receiving: 0 }),
      reason: "x-1 does not replicate from the primary yet; x-2 has not answered in this term",
    },
  ];
  test.each(refusals)("refused: $name", ({ state, to, reason }) => {
    expect(transferTarget(state, to, NOW)).toEqual({ reason });
  });

  test("the one asked for, else the one that is least behind", () => {
    const state = leader({ peers: { [b]: peer(b, { health: health(900) }), [c]: peer(c) } });
    expect(transferTarget(state, "x-1", NOW)).toEqual({ to: "x-1" });
    expect(transferTarget(state, undefined, NOW)).toEqual({ to: "x-2" });
  });
});

function intentOf(members: NonNullable<State["intent"]>["members"]): State["intent"] {
  return { ...member().intent, clusterId: K, former: [], members, initialised: true } as State["intent"];
}

test("the leader tells of everyone, also of who does not come back; another member does not guess", () => {
  const state = leader(
    { peers: { [b]: peer(b, { health: health(40) }) } },
    {
      durable: { config: { ...config, witnesses: [c] } },
      state: { observers: [{ id: "r-0.e", dataless: false }] },
    },
  );
  expect(peersOf(state, NOW)).toEqual([
    { memberId: b, name: "x-1", role: "voter", answeredMsAgo: 100, receiving: true, lagMs: 40 },
    { memberId: c, name: "x-2", role: "witness", answeredMsAgo: undefined, receiving: false },
    { memberId: "r-0.e", name: "r-0", role: "learner", answeredMsAgo: undefined, receiving: false },
  ]);
  expect(peersOf(member(), NOW)).toBeUndefined();
});

test("a change under way says since when and what it waits for", () => {
  const change = { kind: "add", member: "x-3.d", stage: "holding", since: NOW - 2_000 } as const;
  expect(changeOf(leader({ change }), NOW, 10_000)).toEqual({
    kind: "add",
    member: "x-3.d",
    stage: "holding",
    since: "1970-01-01T00:00:08.000Z",
    waitsFor: "x-3 and the other voters to hold all that was committed",
  });
  expect(changeOf(leader(), NOW, 10_000)).toBeUndefined();
});

describe("recovery after the loss of the majority", () => {
  let directory: string;
  let state: State;
  let posted: Event[];
  let statuses: Record<string, Partial<MemberStatus>>;
  let wall: number;
  let recovery: Recovery;
  const records = async (): Promise<Record<string, unknown>[]> => {
    const text = await readFile(path.join(directory, "recoveries.jsonl"), "utf8").catch(() => "");
    const lines = text.split("\n").filter((line) => line !== "");
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  };

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "recovery-"));
    state = member({ durable: { receivedTerm: 7 } });
    posted = [];
    statuses = {};
    wall = 1_000;
    recovery = createRecovery({
      snapshot: () => state,
      post: (event) => {
        posted.push(event);
        if (event.type !== "recover") return;
        state = { ...state, durable: { ...state.durable, clusterId: event.clusterId } };
      },
      ask: async (instance) => {
        const status = statuses[instance];
        if (status === undefined) throw new Error("no answer");
        return status as MemberStatus;
      },
      file: path.join(directory, "recoveries.jsonl"),
      log: silentLog,
      now: () => NOW,
      wall: () => wall,
    });
  });
  afterEach(() => rm(directory, { recursive: true }));

  const plan = async (): Promise<{ token: string; clusterId: string; mayBeLost: string }> => {
    const answer = await recovery.handle({ step: "plan" });
    if (!("token" in answer)) throw new Error(JSON.stringify(answer));
    return answer;
  };
  const execute = (token: string): ReturnType<Recovery["handle"]> =>
    recovery.handle({ step: "execute", token, acceptDataLoss: true });

  test("the plan names what may be lost and changes nothing; the second step does it; both are recorded", async () => {
    const planned = await plan();
    expect(planned).toMatchObject({ term: 7, lastTerm: 7, received: `${K}:1-7`, reachable: [a] });
    expect(planned).toMatchObject({ missing: [b, c] });
    expect(planned.mayBeLost).toMatch(/only x-1, x-2 hold/);
    expect(posted).toEqual([]);
    expect(await execute(planned.token)).toEqual({ clusterId: planned.clusterId });
    expect(posted).toEqual([{ type: "recover", clusterId: planned.clusterId }]);
    const told = (await records()).map(({ step, token, mayBeLost }) => [step, token, mayBeLost]);
    expect(told).toEqual(["planned", "ordered", "done"].map((step) => [step, undefined, planned.mayBeLost]));
    expect(await execute(planned.token)).toMatchObject({ status: 409 }); // Once.
  });

  test("a majority that answers is no loss; a wiped volume is no answer of the voter it was", async () => {
    statuses["x-1"] = { memberId: b, clusterId: K, received: "" };
    expect(await recovery.handle({ step: "plan" })).toMatchObject({
      status: 409,
      reason: expect.stringMatching(/^a majority answers \(x-0, x-1\)/),
    });
    statuses["x-1"] = { memberId: "x-1.new", received: "" };
    expect(await plan()).toMatchObject({ missing: [b, c] });
  });

  test("who holds more is named: recover there", async () => {
    const five = ["x-3.d", "x-4.e"];
    const voters = [...config.voters, ...five];
    state = member({ durable: { config: { ...config, voters, k: 2 } } });
    statuses["x-1"] = { name: "x-1", memberId: b, clusterId: K, received: `${K}:1-8` };
    expect(await recovery.handle({ step: "plan" })).toMatchObject({
      status: 409,
      reason: "x-1 holds transactions that x-0 lacks: recover there",
    });
  });

  test.each<{ name: string; now: Parameters<typeof member>[0]; reason: RegExp }>([
    { name: "witness", now: { state: { dataless: true, mysqld: "down" } }, reason: /is a witness/ },
    { name: "mysqld down", now: { state: { mysqld: "down" } }, reason: /does not run/ },
    { name: "to be cloned", now: { durable: { cloning: true } }, reason: /no data of its own/ },
    { name: "diverged", now: { durable: { quarantined: `${K}:9` } }, reason: /has diverged/ },
    { name: "no voter", now: { durable: { config: { ...config, voters: [b, c] } } }, reason: /no voter/ },
  ])("refused: $name", async ({ now, reason }) => {
    state = member(now);
    expect(await recovery.handle({ step: "plan" })).toMatchObject({
      status: 409,
      reason: expect.stringMatching(reason),
    });
  });

  test("what has changed since the plan, a stale plan and a wrong token are refused; nothing is done", async () => {
    const { token } = await plan();
    state = { ...state, received: `${K}:1-8` };
    expect(await execute(token)).toMatchObject({
      status: 409,
      reason: expect.stringMatching(/changed \(lastTerm, received\)/),
    });
    const again = await plan();
    expect(await execute("0".repeat(32))).toMatchObject({ status: 409 });
    wall += RECOVER_PLAN_MS + 1;
    expect(await execute(again.token)).toMatchObject({ reason: expect.stringMatching(/too old/) });
    expect(posted).toEqual([]);
  });

  test.each([
    [{ step: "go" }, "step is neither plan nor execute"],
    [{ step: "execute" }, "token is missing: it comes with the plan"],
    [{ step: "execute", token: "x" }, "acceptDataLoss is not true: the plan says what may be lost"],
    ["plan", "the request is not a JSON object"],
  ])("malformed: %#", async (body, reason) => {
    expect(await recovery.handle(body)).toEqual({ status: 400, reason });
  });
});
