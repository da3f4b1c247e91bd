import { expect, test } from "vitest";
import type { MemberStatus } from "../api/agent";
import { progressLine, teller } from "./progress";
import type { View } from "./view";

const empty: View = { pods: [], members: new Map(), primary: { addresses: [] }, replicas: { addresses: [] } };
const pod = { name: "shop-0-0", instance: "shop-0", uid: "u", ready: false, deleting: false };
const says = (phase: string): View["members"] => new Map([["shop-0", { phase } as MemberStatus]]);

test("from nothing to an agent that speaks", () => {
  expect(progressLine(empty)).toBe("applied");
  expect(progressLine({ ...empty, pods: [pod] })).toBe("applied · shop-0: waits for a node");
  expect(progressLine({ ...empty, pods: [{ ...pod, node: "node1" }] })).toBe("applied · shop-0: starts");
  const up = { ...empty, pods: [{ ...pod, node: "node1", ip: "10.244.1.2" }] };
  expect(progressLine(up)).toBe("applied · shop-0: agent starts");
  expect(progressLine({ ...up, members: says("initialising") })).toBe("applied · shop-0: initialising");
});

test("each change is told once; another figure in the same words is none", () => {
  const lines: string[] = [];
  let now = 0;
  const tell = teller(
    (line) => lines.push(line),
    () => now,
  );
  for (const phase of ["lags 5 ms", "lags 17 ms", "serves"]) {
    tell({ ...empty, pods: [pod], members: says(phase) });
    now += 1500;
  }
  expect(lines).toEqual(["  0.0 s  applied · shop-0: lags 5 ms", "  3.0 s  applied · shop-0: serves"]);
});
