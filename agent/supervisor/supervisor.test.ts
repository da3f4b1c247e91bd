import { expect, test } from "vitest";
import { FIRST, onAgentExit } from "./backoff";
import { isDying, stateIn } from "./dying";
import { bundleToRun, onEnd, onlyProven, onProven, onTrial } from "./bundles";
import { readOptions } from "./options";
import { lineSplitter } from "./protocol";
import { DISARMED, msLeft, onArm, onBeat } from "./watchdog";

test("I7: an armed mysqld must die when its lease ends, not before", () => {
  const armed = onArm(onBeat(DISARMED, 1_000, 600), 1_100, 200);
  expect(msLeft(armed, 1_100)).toBe(500);
  expect(msLeft(armed, 1_599)).toBe(1);
  expect(msLeft(armed, 1_600)).toBe(0);
  expect(msLeft(armed, 9_999)).toBe(0);
});

test("a beat prolongs the lease and never shortens it", () => {
  const armed = onArm(DISARMED, 0, 300);
  expect(msLeft(onBeat(armed, 200, 600), 200)).toBe(600);
  expect(msLeft(onBeat(armed, 0, 10), 0)).toBe(300);
});

test("arming without a beat gives the grace, arming twice gives none anew", () => {
  const armed = onArm(DISARMED, 1_000, 300);
  expect(msLeft(armed, 1_000)).toBe(300);
  expect(msLeft(onArm(armed, 1_250, 300), 1_250)).toBe(50);
});

test("a mysqld that is not armed is left alone however old the beat", () => {
  expect(msLeft(DISARMED, 1e9)).toBeUndefined();
  expect(msLeft(onBeat(DISARMED, 0, 1), 1e9)).toBeUndefined();
});

test("a crashed agent is back at once the first time, then later and later, at most 5 s", () => {
  let backOff = FIRST;
  const waits: number[] = [];
  for (let crash = 0; crash < 9; crash += 1) {
    const { waitMs, next } = onAgentExit(backOff, 50);
    waits.push(waitMs);
    backOff = next;
  }
  expect(waits).toEqual([0, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
  expect(onAgentExit(backOff, 10_000).waitMs).toBe(0);
});

test("a bundle on trial runs until it has ended three times; then the proven one is back, and why is kept", () => {
  let bundles = onTrial(onlyProven("agent.js"), "next.js");
  for (const end of [1, 2]) {
    bundles = onEnd(bundles, `code ${end}`);
    expect(bundleToRun(bundles)).toBe("next.js");
  }
  bundles = onEnd(bundles, "code 3");
  expect([bundleToRun(bundles), bundles.refused]).toEqual([
    "agent.js",
    "the bundle was started 3 times and never held; last: code 3",
  ]);
  expect(onEnd(bundles, "SIGTERM")).toBe(bundles);
  expect(onTrial(bundles, "other.js").refused).toBeUndefined();
});

test("a bundle that holds takes the proven one's place", () => {
  const bundles = onProven(onTrial(onlyProven("agent.js"), "next.js"));
  expect(bundleToRun(onEnd(bundles, "code 1"))).toBe("agent.js");
});

test("lines are put together from pieces", () => {
  const split = lineSplitter();
  expect(split('{"a":')).toEqual([]);
  expect(split('1}\n{"b":2}\n{"c"')).toEqual(['{"a":1}', '{"b":2}']);
  expect(split(":3}\n")).toEqual(['{"c":3}']);
});

test("options come from the environment and are refused when malformed", () => {
  const { words, bundle } = readOptions({}, "/porpoise/node", "/porpoise").agent;
  expect([words[0], bundle]).toEqual(["/porpoise/node", "/porpoise/agent.js"]);
  const given = readOptions({ PORPOISE_AGENT_COMMAND: '["a","b"]' }, "n", "d").agent;
  expect(given).toEqual({ words: ["a", "b"] });
  expect(() => readOptions({ PORPOISE_SHUTDOWN_LIMIT_MS: "5s" }, "n", "d")).toThrow(
    /PORPOISE_SHUTDOWN_LIMIT_MS/,
  );
});

test("a process's state is read whatever its name is", () => {
  expect(stateIn("7 (mysqld) Z 1 7 7 0")).toBe("Z");
  expect(stateIn("7 (a) Z (b) S 1 7 7 0")).toBe("S");
  expect(stateIn("")).toBe("?");
  expect(isDying(process.pid)).toBe(false);
  expect(isDying(0)).toBe(false);
});
