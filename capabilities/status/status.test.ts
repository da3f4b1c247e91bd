import { expect, test } from "vitest";
import type { MemberStatus } from "../../api/agent";
import type { ObservedInstance } from "../context";
import { member, sample, settings } from "../testing";
import { mergePatch } from "./patch";
import { statusOf } from "./status";

const now = new Date("2026-11-21T12:00:00Z");
const tls = { notAfter: new Date("2027-02-01T00:00:00Z"), renewed: [] };
const running = { uid: "u", ip: "10.0.0.1", node: "node1", phase: "Running", terminating: false };

type Sketch = Partial<MemberStatus> | "silent" | "no pod" | "pending" | { trouble: string };

/** Instances by ordinal, each sketched. */
function instances(...sketches: Sketch[]): ObservedInstance[] {
  return sketches.map((sketch, ordinal) => {
    const base = { name: `shop-${ordinal}`, wanted: true, kind: "voter" as const, group: "" };
    if (sketch === "no pod") return base;
    if (sketch === "pending") return { ...base, pod: { ...running, phase: "Pending" } };
    if (sketch === "silent") return { ...base, pod: running };
    if ("trouble" in sketch) {
      const trouble = { reason: sketch.trouble, message: "Kubernetes' own words" };
      return { ...base, pod: { ...running, phase: "Pending", trouble } };
    }
    return { ...base, pod: running, member: member(base.name, sketch) };
  });
}

const primary = { role: "primary" as const };
const replica = {};

interface Row {
  readonly name: string;
  readonly observed: ObservedInstance[];
  readonly isNew?: boolean;
  readonly phase: string;
  /** Condition → status/reason of those that matter here. */
  readonly conditions: Record<string, string>;
}

const rows: Row[] = [
  {
    name: "nothing yet",
    observed: instances("no pod", "no pod", "no pod"),
    isNew: true,
    phase: "Creating",
    conditions: { Ready: "False/NoPrimary", Reconciling: "True/Creating", Stalled: "False/AsExpected" },
  },
  {
    name: "no node fits",
    observed: instances({ trouble: "Unschedulable" }, "pending", "pending"),
    isNew: true,
    phase: "Creating",
    conditions: { Ready: "False/Unschedulable", Stalled: "True/Unschedulable" },
  },
  {
    name: "all serve",
    observed: instances(primary, replica, replica),
    phase: "Ready",
    conditions: {
      Ready: "True/AsExpected",
      FaultTolerant: "True/AsExpected",
      Reconciling: "False/AsExpected",
    },
  },
  {
    name: "one replica away: the next loss stops writes",
    observed: instances(primary, replica, "silent"),
    phase: "Degraded",
    conditions: { Ready: "False/Broken", Available: "True/AsExpected", FaultTolerant: "False/NoSpareVoter" },
  },
  {
    name: "five, one away: still a spare",
    observed: instances(primary, replica, replica, replica, "silent"),
    phase: "Degraded",
    conditions: { Ready: "False/Broken", FaultTolerant: "True/AsExpected" },
  },
  {
    name: "primary gone, quorum there",
    observed: instances("silent", replica, replica),
    phase: "FailingOver",
    conditions: { Ready: "False/NoPrimary", Available: "False/NoPrimary" },
  },
  {
    name: "a primary that is fenced is none",
    observed: instances({ ...primary, ready: false }, replica, replica),
    phase: "FailingOver",
    conditions: { Available: "False/NoPrimary" },
  },
  {
    name: "quorum lost",
    observed: instances("silent", "no pod", replica),
    phase: "NoQuorum",
    conditions: { Ready: "False/NoQuorum", Available: "False/NoQuorum" },
  },
  {
    name: "no agent answers though pods run: not known to be down",
    observed: instances("silent", "silent", "silent"),
    phase: "NoQuorum",
    conditions: { Available: "Unknown/NoPrimary", Stalled: "True/AgentUnreachable" },
  },
  {
    name: "a replica lags",
    observed: instances(primary, replica, { lagMs: 11_000 }),
    phase: "Ready",
    conditions: { Replicating: "False/Lagging", Ready: "False/Lagging" },
  },
  {
    name: "a replica diverged",
    observed: instances(primary, replica, { ready: false, errant: "3E11FA47-71CA-11E1-9E33-C80AA9429562:7" }),
    phase: "Degraded",
    conditions: { Replicating: "False/Diverged", Ready: "False/Diverged" },
  },
  {
    name: "one instance is as wanted",
    observed: instances(primary),
    phase: "Ready",
    conditions: { Ready: "True/AsExpected", FaultTolerant: "False/SingleInstance" },
  },
  {
    name: "two: told, and as wanted",
    observed: instances(primary, replica),
    phase: "Ready",
    conditions: { Ready: "True/AsExpected", FaultTolerant: "False/TwoVoters" },
  },
];

function status(observed: ObservedInstance[], isNew = false) {
  const cluster = sample({ instances: observed.length });
  const input = { clusterId: "c", formerClusterIds: [], initialised: !isNew, settings, now };
  return statusOf(cluster, { ...input, observed: { instances: observed, tls, options: {} } });
}

test.each(rows)("$name", ({ observed, isNew, phase, conditions }) => {
  const { phase: actual, conditions: list = [] } = status(observed, isNew);
  const found = Object.fromEntries(list.map((one) => [one.type, `${one.status}/${one.reason}`]));
  expect({ phase: actual, ...found }).toMatchObject({ phase, ...conditions });
});

test("of two that say they are primary, the higher term is believed", () => {
  const { primary: name, term } = status(
    instances({ ...primary, term: 4 }, { ...primary, term: 5 }, replica),
  );
  expect({ name, term }).toEqual({ name: "shop-1", term: 5 });
});

test("a condition keeps the time of its last change", () => {
  const before = status(instances(primary, replica, replica));
  const cluster = { ...sample(), status: before };
  const later = {
    clusterId: "c",
    formerClusterIds: [],
    initialised: true,
    settings,
    now: new Date("2026-11-21T13:00:00Z"),
  };
  const observed = { instances: instances(primary, replica, "silent"), tls, options: {} };
  const after = statusOf(cluster, { ...later, observed }).conditions ?? [];
  const times = Object.fromEntries(after.map((one) => [one.type, one.lastTransitionTime]));
  expect(times).toMatchObject({ Available: "2026-11-21T12:00:00Z", FaultTolerant: "2026-11-21T13:00:00Z" });
});

test.each([
  { name: "ends soon", end: "2026-11-25T00:00:00Z", expected: "False/Expiring" },
  { name: "has ended", end: "2026-11-20T00:00:00Z", expected: "False/Expired" },
])("a certificate that $name", ({ end, expected }) => {
  const observed = { instances: instances(primary), tls: { notAfter: new Date(end), renewed: [] } };
  const { conditions } = statusOf(sample({ instances: 1 }), {
    clusterId: "c",
    formerClusterIds: [],
    initialised: true,
    settings,
    now,
    observed,
  });
  const found = conditions?.find(({ type }) => type === "TLSValid");
  expect(`${found?.status}/${found?.reason}`).toBe(expected);
});

test.each([
  { name: "nothing", before: { a: 1, b: { c: [1] } }, after: { a: 1, b: { c: [1] } }, patch: undefined },
  { name: "a value", before: { a: 1 }, after: { a: 2 }, patch: { a: 2 } },
  { name: "a removed field", before: { a: 1, b: 2 }, after: { a: 1 }, patch: { b: null } },
  { name: "a field that became undefined", before: { a: 1 }, after: { a: undefined }, patch: { a: null } },
  {
    name: "inside an object",
    before: { a: { b: 1, c: 1 } },
    after: { a: { b: 1 } },
    patch: { a: { c: null } },
  },
  { name: "a list, whole", before: { a: [1, 2] }, after: { a: [1] }, patch: { a: [1] } },
  { name: "from nothing", before: undefined, after: { a: 1 }, patch: { a: 1 } },
])("the merge patch of $name", ({ before, after, patch }) => {
  expect(mergePatch(before, after)).toEqual(patch);
});
