import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { CHECKOUT } from "./config";
import { decideLock, exclusively } from "./lock";
import { isAlive, processStart, usersOf } from "./processes";

const dir = mkdtempSync(join(tmpdir(), "porpoise-lock-"));
afterAll(() => rmSync(dir, { recursive: true }));

const held = { checkout: "/a", pid: 1 };

test.each([
  { name: "nobody holds it", holder: undefined, checkout: "/a", alive: false, verdict: "free" },
  { name: "we hold it", holder: held, checkout: "/a", alive: true, verdict: "ours" },
  { name: "we held it and crashed", holder: held, checkout: "/a", alive: false, verdict: "ours" },
  { name: "another checkout runs", holder: held, checkout: "/b", alive: true, verdict: "refused" },
  { name: "another checkout crashed", holder: held, checkout: "/b", alive: false, verdict: "stale" },
])("$name: $verdict", ({ holder, checkout, alive, verdict }) => {
  expect(decideLock(holder, { checkout, alive })).toBe(verdict);
});

test("a pid that was given to another process does not count as alive", () => {
  expect(isAlive(process.pid, processStart(process.pid))).toBe(true);
  expect(isAlive(process.pid, "1")).toBe(false);
});

test("two that ask for the same lock run one after the other", async () => {
  const file = join(dir, "both.lock");
  const trace: string[] = [];
  const work = (name: string) =>
    exclusively(file, async () => {
      trace.push(`${name} begins`);
      await new Promise((wake) => setTimeout(wake, 30));
      trace.push(`${name} ends`);
    });
  await Promise.all([work("a"), work("b")]);
  expect(trace).toEqual(["a begins", "a ends", "b begins", "b ends"]);
  expect(existsSync(file)).toBe(false);
});

test("a lock whose holder died is taken over", async () => {
  const file = join(dir, "dead.lock");
  writeFileSync(file, JSON.stringify({ checkout: "/gone", pid: 2 ** 22 + 1 }));
  expect(await exclusively(file, () => Promise.resolve("done"))).toBe("done");
});

test("who works in a checkout is found: this very test does, in none beside it", () => {
  expect(usersOf(CHECKOUT)).toContain(process.pid);
  expect(usersOf(`${CHECKOUT}-other`)).toEqual([]);
});
