import { expect, test } from "vitest";
import type { MemberStatus } from "../../api/agent";
import type { MemberKind } from "../../api/members";
import type { ObservedInstance } from "../context";
import { member } from "../testing";
import { decideRollout, type RolloutInput, type Step } from "./decide";
import { outdated } from "./outdated";
import { decideRenewal, type RenewalInput } from "./renewal";

const voters = (...names: string[]): MemberStatus["configuration"] => ({
  term: 1,
  version: 1,
  voters: names.map((name) => `${name}.1`),
  witnesses: [],
  k: 1,
});
const configuration = voters("shop-0", "shop-1", "shop-2", "shop-witness");

interface Sketch {
  readonly kind?: MemberKind;
  readonly revision?: string;
  readonly status?: Partial<MemberStatus> | "silent";
  readonly pod?: Partial<NonNullable<ObservedInstance["pod"]>> | "none";
  readonly settled?: boolean;
}

/** Wanted: revision "new" with one static option. */
function instance(name: string, sketch: Sketch = {}): ObservedInstance {
  const { kind = "voter", revision = "new", status = {}, pod = {}, settled = true } = sketch;
  const running = { uid: name, ip: "10.0.0.1", phase: "Running", terminating: false, revision };
  const options = { innodb_page_cleaners: "4" };
  return {
    name,
    kind,
    group: "",
    wanted: true,
    target: { revision: "new", settled, options },
    ...(pod !== "none" && { pod: { ...running, startedWith: options, ...pod } }),
    ...(status !== "silent" && { member: member(name, status) }),
  };
}

const old = { revision: "old" };
const primary = { role: "primary" as const, configuration };

function input(wanted: ObservedInstance[], more: Partial<RolloutInput> = {}): RolloutInput {
  const leader = wanted.find((one) => one.member?.role === "primary")?.member;
  return { wanted, primary: leader, strategy: "rolling", lagMaxMs: 10_000, ...more };
}

function said(step: Step): string {
  if (step.do === "wait") return `wait: ${step.waitsFor}`;
  if (step.do === "restart") return `restart ${step.instance.name}: ${step.why}`;
  return step.do === "handOver" ? `hand over ${step.from.name}` : "nothing";
}

interface Row {
  readonly name: string;
  readonly wanted: ObservedInstance[];
  readonly more?: Partial<RolloutInput>;
  readonly step: string;
}

const rows: Row[] = [
  {
    name: "all are as wanted",
    wanted: [instance("shop-0", { status: primary }), instance("shop-1")],
    step: "nothing",
  },
  {
    name: "replicas first, the highest ordinal first",
    wanted: [
      instance("shop-0", { ...old, status: primary }),
      instance("shop-1", old),
      instance("shop-2", old),
    ],
    step: "restart shop-2: pod template old -> new",
  },
  {
    name: "learners before all, then the witness",
    wanted: [
      instance("shop-0", { ...old, status: primary }),
      instance("shop-1", old),
      instance("shop-witness", { ...old, kind: "witness", status: { role: "witness" } }),
      instance("shop-reports-0", { ...old, kind: "learner", status: { role: "learner" } }),
    ],
    step: "restart shop-reports-0: pod template old -> new",
  },
  {
    name: "a static option is a restart, too",
    wanted: [
      instance("shop-0", { status: primary }),
      instance("shop-1", { pod: { startedWith: { innodb_page_cleaners: "1" } } }),
    ],
    step: "restart shop-1: innodb_page_cleaners",
  },
  {
    name: "the former primary last: it hands over first",
    wanted: [instance("shop-0", { ...old, status: primary }), instance("shop-1"), instance("shop-2")],
    step: "hand over shop-0",
  },
  {
    name: "when it has handed over it is a replica like others",
    wanted: [instance("shop-0", old), instance("shop-1", { status: primary }), instance("shop-2")],
    step: "restart shop-0: pod template old -> new",
  },
  {
    name: "a standalone server has nobody to hand over to",
    wanted: [instance("shop-0", { ...old, status: primary })],
    step: "restart shop-0: pod template old -> new",
  },
  {
    name: "a learner is nobody to hand over to",
    wanted: [
      instance("shop-0", { ...old, status: primary }),
      instance("shop-reports-0", { kind: "learner", status: { role: "learner" } }),
    ],
    step: "restart shop-0: pod template old -> new",
  },
  {
    name: "not while a pod is going down",
    wanted: [
      instance("shop-0", { ...old, status: primary }),
      instance("shop-1", old),
      instance("shop-2", { pod: { terminating: true }, status: "silent" }),
    ],
    step: "wait: shop-2: pod is going down",
  },
  {
    name: "not while one has not come back",
    wanted: [
      instance("shop-0", { ...old, status: primary }),
      instance("shop-1", old),
      instance("shop-2", { status: { ready: false, phase: "starts mysqld" } }),
    ],
    step: "wait: shop-2: starts mysqld",
  },
  {
    name: "not while one is behind",
    wanted: [
      instance("shop-0", { ...old, status: primary }),
      instance("shop-1", old),
      instance("shop-2", { status: { lagMs: 12_000 } }),
    ],
    step: "wait: shop-2: is behind the primary",
  },
  {
    name: "not while one has no vote yet",
    wanted: [
      instance("shop-0", { ...old, status: { ...primary, configuration: voters("shop-0", "shop-1") } }),
      instance("shop-1", old),
      instance("shop-2"),
    ],
    step: "wait: shop-2: has no vote yet",
  },
  {
    name: "not while members come or go",
    wanted: [instance("shop-0", { ...old, status: primary }), instance("shop-1", old)],
    more: { busy: "shop-3 joins" },
    step: "wait: shop-3 joins",
  },
  {
    name: "not before Kubernetes knows the new template: the pod would come back as it was",
    wanted: [instance("shop-0", { status: primary }), instance("shop-1", { ...old, settled: false })],
    step: "wait: Kubernetes to take up the new template of shop-1",
  },
  {
    name: "nobody leads",
    wanted: [instance("shop-0", old), instance("shop-1", old)],
    step: "wait: a primary",
  },
  {
    name: "a pod whose image does not exist is replaced whatever the others do: it runs nothing",
    wanted: [
      instance("shop-0", {
        ...old,
        status: "silent",
        pod: { trouble: { reason: "ImagePull", message: "no" } },
      }),
      instance("shop-1", { ...old, status: "silent" }),
    ],
    step: "restart shop-0: pod template old -> new",
  },
  {
    name: "onDelete: a person does it",
    wanted: [instance("shop-0", { ...old, status: primary }), instance("shop-1", old)],
    more: { strategy: "onDelete" },
    step: "wait: somebody to delete the pods of shop-0, shop-1",
  },
];

test.each(rows)("rolling restart: $name", ({ wanted, more, step }) => {
  expect(said(decideRollout(input(wanted, more)))).toBe(step);
});

test("a pod of a release that knew no revisions is taken as it is", () => {
  expect(outdated(instance("shop-0", { pod: { revision: undefined } }))).toBeUndefined();
  expect(outdated(instance("shop-0", { pod: "none" }))).toBeUndefined();
});

const runs = (sha256: string, refused?: string) => ({ bundle: { sha256, ...(refused && { refused }) } });
const quorum = { voters: 3, needed: 2, alive: 3 };

interface RenewalRow {
  readonly name: string;
  readonly wanted: ObservedInstance[];
  readonly more?: Partial<RenewalInput>;
  readonly step: string;
}

const renewals: RenewalRow[] = [
  {
    name: "all run ours",
    wanted: [instance("shop-0", { status: { ...primary, quorum, ...runs("b") } })],
    step: "nothing",
  },
  {
    name: "an agent that does not say what it runs could not take another",
    wanted: [instance("shop-0", { status: { ...primary, quorum } })],
    step: "nothing",
  },
  {
    name: "followers first",
    wanted: [
      instance("shop-0", { status: { ...primary, quorum, ...runs("a") } }),
      instance("shop-1", { status: runs("a") }),
      instance("shop-2", { status: runs("a") }),
    ],
    step: "renew shop-2",
  },
  {
    name: "the leader last",
    wanted: [
      instance("shop-0", { status: { ...primary, quorum, ...runs("a") } }),
      instance("shop-1", { status: runs("b") }),
      instance("shop-2", { status: runs("b") }),
    ],
    step: "renew shop-0",
  },
  {
    name: "lazy: when its pod is restarted",
    wanted: [instance("shop-0", { status: { ...primary, quorum, ...runs("a") } })],
    more: { policy: "lazy" },
    step: "nothing",
  },
  {
    name: "not while the others are all needed",
    wanted: [
      instance("shop-0", { status: { ...primary, quorum: { ...quorum, alive: 2 }, ...runs("a") } }),
      instance("shop-1", { status: runs("a") }),
      instance("shop-2", { status: "silent" }),
    ],
    step: "wait: every needed voter to serve, to renew agents",
  },
  {
    name: "five voters spare one beside the lost one",
    wanted: [
      instance("shop-0", {
        status: { ...primary, quorum: { voters: 5, needed: 3, alive: 4 }, ...runs("a") },
      }),
      instance("shop-1", { status: runs("a") }),
      instance("shop-2", { status: "silent" }),
    ],
    step: "renew shop-1",
  },
  {
    name: "one at a time: the first must run it before the next gets it",
    wanted: [
      instance("shop-0", { status: { ...primary, quorum, ...runs("a") } }),
      instance("shop-1", { status: runs("a") }),
      instance("shop-2", { status: runs("a") }),
    ],
    more: { sent: new Map([["shop-2", 95_000]]) },
    step: "wait: shop-2 to run its new agent",
  },
  {
    name: "a bundle that does not hold goes to nobody else",
    wanted: [
      instance("shop-0", { status: { ...primary, quorum, ...runs("a") } }),
      instance("shop-1", { status: runs("a") }),
      instance("shop-2", { status: runs("a", "it died twice") }),
    ],
    more: { sent: new Map([["shop-2", 0]]) },
    step: "wait: another agent: shop-2 refused this one: it died twice",
  },
  {
    name: "what it refused before was another release's",
    wanted: [
      instance("shop-0", { status: { ...primary, quorum, ...runs("b") } }),
      instance("shop-1", { status: runs("a", "it died twice") }),
    ],
    step: "renew shop-1",
  },
];

test.each(renewals)("renewal of agents: $name", ({ wanted, more, step }) => {
  const leader = wanted.find((one) => one.member?.role === "primary")?.member;
  const base = { sha256: "b", policy: "now" as const, sent: new Map<string, number>(), now: 100_000 };
  const taken = decideRenewal({ wanted, primary: leader, ...base, ...more });
  const text = taken.do === "wait" ? `wait: ${taken.waitsFor}` : taken.do;
  expect(taken.do === "renew" ? `renew ${taken.instance.name}` : text).toBe(step);
});
