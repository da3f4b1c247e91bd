/**
 * Before the first end-to-end test: the sandbox is up, this checkout's Porpoise is in it, and the namespace of the
 * tests is empty. What is up already is used.
 */
import { existsSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deleteNamespace, ensureNamespace } from "../../bench/fleet";
import { install } from "../../bench/install";
import { step } from "../../bench/terminal";
import { exclusively } from "../../sandbox/lock";
import { failuresDir } from "./evidence";
import { forgetGaps, writeGaps } from "./gaps";
import { NAMESPACE, LIFECYCLE_NAMESPACE } from "./shop";

const TURN_FILE = join(tmpdir(), "porpoise-e2e.lock");

export default async function setup(): Promise<() => Promise<void>> {
  const release = await takeTurn();
  try {
    await prepare();
  } catch (cause) {
    await release();
    throw cause;
  }
  return async () => {
    writeGaps();
    // Whoever has to understand a failure finds the cluster as it is.
    if (!existsSync(failuresDir)) await clear();
    await release();
  };
}

/** Two runs at a time would delete each other's clusters: the second waits. Returns what ends the turn. */
async function takeTurn(): Promise<() => Promise<void>> {
  let end: () => void = () => undefined;
  let turn: Promise<void> = Promise.resolve();
  await new Promise<void>((taken) => {
    turn = exclusively(TURN_FILE, () => {
      taken();
      return new Promise<void>((done) => (end = done));
    });
  });
  return () => {
    end();
    return turn;
  };
}

async function prepare(): Promise<void> {
  rmSync(failuresDir, { recursive: true, force: true });
  forgetGaps();
  await install(step);
  // A cluster of former tests may run a former image: each run begins with a new one.
  await clear();
  await Promise.all(NAMESPACES.map(ensureNamespace));
}

const NAMESPACES = [NAMESPACE, LIFECYCLE_NAMESPACE];

async function clear(): Promise<void> {
  await Promise.all(NAMESPACES.map((name) => deleteNamespace(name)));
}
