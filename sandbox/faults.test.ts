import { describe, expect, test } from "vitest";
import { missingPackages } from "./apt";
import { parseTasks } from "./containers";
import { cutRules, isProcess } from "./faults";
import { podRef } from "./kube";

describe("which process a fault means", () => {
  const node = (script: string) => ({
    comm: "node",
    cmdline: ["/porpoise/node", "--max-old-space-size=64", script],
  });
  test.each([
    { name: "mysqld", process: { comm: "mysqld", cmdline: ["/usr/sbin/mysqld"] }, is: true },
    { name: "mysqld", process: node("/porpoise/agent.js"), is: false },
    { name: "agent", process: node("/porpoise/agent.js"), is: true },
    { name: "agent", process: node("/porpoise/agent.next.js"), is: true },
    { name: "agent", process: node("/porpoise/supervisor.js"), is: false },
    { name: "supervisor", process: node("/porpoise/supervisor.js"), is: true },
    { name: "supervisor", process: { comm: "bash", cmdline: ["bash", "-c", "echo supervisor"] }, is: false },
  ])("$name: $process.cmdline → $is", ({ name, process, is }) => {
    expect(isProcess(process, name)).toBe(is);
  });
});

describe("a cut", () => {
  test("inwards from one peer touches only what comes from it", () => {
    expect(cutRules("in", "10.244.1.7")).toEqual([
      ["INPUT", "!", "-i", "lo", "-s", "10.244.1.7", "-j", "DROP"],
    ]);
  });
  test("both ways spares the loopback, over which agent and mysqld talk", () => {
    expect(cutRules("both")).toEqual([
      ["INPUT", "!", "-i", "lo", "-j", "DROP"],
      ["OUTPUT", "!", "-o", "lo", "-j", "DROP"],
    ]);
  });
});

test("only running tasks count as a pod's", () => {
  const table = "TASK    PID      STATUS    \nabc     4711     RUNNING\ndef     4712     STOPPED\n";
  expect(parseTasks(table)).toEqual(new Map([["abc", 4711]]));
});

test("a pod without a namespace is in default", () => {
  expect(podRef("c-0-0")).toEqual({ namespace: "default", name: "c-0-0" });
  expect(podRef("team/c-0-0")).toEqual({ namespace: "team", name: "c-0-0" });
});

test("only packages whose files are missing are installed", () => {
  expect(missingPackages(() => true)).toEqual([]);
  expect(missingPackages((file) => file !== "/usr/bin/mmdebstrap")).toEqual(["mmdebstrap"]);
});
