/**
 * Before the first end-to-end test: the sandbox is up, this checkout's Porpoise is in it, and the namespace of the
 * tests is empty. What is up already is used.
 */
import { rmSync } from "node:fs";
import { deleteNamespace, ensureNamespace } from "../../bench/fleet";
import { install } from "../../bench/install";
import { step } from "../../bench/terminal";
import { failuresDir } from "./evidence";
import { forgetGaps, writeGaps } from "./gaps";
import { NAMESPACE, LIFECYCLE_NAMESPACE } from "./shop";

export default async function setup(): Promise<() => void> {
  rmSync(failuresDir, { recursive: true, force: true });
  forgetGaps();
  await install(step);
  // A cluster of former tests may run a former image: each run begins with a new one.
  await Promise.all([NAMESPACE, LIFECYCLE_NAMESPACE].map((name) => deleteNamespace(name)));
  await Promise.all([NAMESPACE, LIFECYCLE_NAMESPACE].map(ensureNamespace));
  return writeGaps;
}
