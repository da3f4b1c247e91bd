import { expect, test } from "vitest";
import type { MemberStatus } from "../api/agent";
import { sayings, teller } from "./progress";
import type { View } from "./view";

const empty: View = { pods: [], members: new Map(), primary: { addresses: [] }, replicas: { addresses: [] } };
const pod = { name: "shop-0-0", instance: "shop-0", uid: "u", ready: false, deleting: false };
const says = (phase: string): View["members"] => new Map([["shop-0", { phase } as MemberStatus]]);
const said = (view: Partial<View>): string[] => [...sayings({ ...empty, ...view }).values()];

test("from nothing to an agent that speaks", () => {
  expect(said({})).toEqual(["applied"]);
  expect(said({ pods: [pod] })).toEqual(["applied", "waits for a node"]);
  expect(said({ pods: [{ ...pod, node: "node1" }] })).toEqual(["applied", "starts on node1"]);
  const pods = [{ ...pod, node: "node1", ip: "10.244.1.2" }];
  expect(said({ pods })).toEqual(["applied", "its agent starts"]);
  expect(said({ pods, members: says("initialising") })).toEqual(["applied", "initialising"]);
});

test("each change is told once; another figure in the same words is none", () => {
  const lines: string[] = [];
  let now = 0;
  const tell = teller(
    (line) => lines.push(line),
    () => now,
  );
  for (const phase of ["lags 5 ms", "lags 1.7 ms", "serves"]) {
    tell({ ...empty, pods: [pod], members: says(phase) });
    now += 1500;
  }
  expect(lines).toEqual([
    "  0.0 s  cluster  applied",
    "  0.0 s  shop-0   lags 5 ms",
    "  3.0 s  shop-0   serves",
  ]);
});
