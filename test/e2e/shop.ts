/** The cluster that the end-to-end tests share, and how a test is told: whole cluster, clients, fault, verdict. */
import { expect, test } from "vitest";
import { names } from "../../api/names";
import { awaitHealthy, readCluster, readView, type ClusterRef } from "../../bench/cluster";
import { applyExample } from "../../bench/fleet";
import { reignOf, type Incident } from "../../bench/incident";
import { isGood, verdict, verdictText } from "../../bench/verdict";
import type { View } from "../../bench/view";
import { waitFor } from "../../bench/waits";
import { Writers, type WritersOptions } from "../../bench/writers";
import { dump } from "./evidence";
import { recordGap } from "./gaps";

export const NAMESPACE = "porpoise-e2e";
export const LIFECYCLE_NAMESPACE = "porpoise-e2e-life";
export const SHOP: ClusterRef = { namespace: NAMESPACE, name: "shop" };

/** On two loaded cores; the figures are recorded, these only bound the test. */
export const WHOLE_MS = 180_000;
const STORY_MS = 420_000;
/** A failover that takes longer than this is broken, not slow. */
export const OUTAGE_MAX_MS = 15_000;

export const podOf = (instance: string, ref: ClusterRef = SHOP): string =>
  `${ref.namespace}/${names.pod(instance)}`;

/** A test in sentences; when it fails, the evidence is gathered before the next one begins. */
export function story(name: string, tell: () => Promise<void>, ref: ClusterRef = SHOP): void {
  test(
    name,
    async () => {
      try {
        await tell();
      } catch (cause) {
        console.error(`evidence: ${await dump(name, ref, cause)}`);
        throw cause;
      }
    },
    STORY_MS,
  );
}

/** The shared cluster, made by whichever test comes first. */
export async function wholeShop(): Promise<View> {
  if (!(await readCluster(SHOP))) await applyExample(NAMESPACE);
  return awaitHealthy(SHOP, { deadlineMs: WHOLE_MS });
}

/** Runs `tell` while clients write; then no acknowledged row may be missing anywhere, and all must be equal. */
export async function underWriters(
  options: WritersOptions,
  tell: (writers: Writers) => Promise<void>,
): Promise<void> {
  await wholeShop();
  const writers = await Writers.start(SHOP, options);
  try {
    await tell(writers);
  } finally {
    await writers.stop();
  }
  await awaitHealthy(SHOP, { deadlineMs: WHOLE_MS });
  const judged = await verdict(SHOP, [{ run: writers.run, entries: writers.entries() }]);
  expect(isGood(judged), verdictText(judged)).toBe(true);
  writers.forget();
}

/** What holds after any failover; its gap is recorded. */
export function expectFailover(row: string, { before, after, outage, furtherElections }: Incident): void {
  expect(after.term).toBeGreaterThan(before.term);
  expect(outage, "clients wrote before and after").toBeDefined();
  recordGap(row, outage?.ms ?? NaN);
  expect(outage?.ms).toBeLessThan(OUTAGE_MAX_MS);
  expect(furtherElections, "elections that nothing explains").toBe(0);
}

/** Waits for a whole cluster in a later term than the view's, or in any when `sameTerm` will do. */
export async function wholeAgain(before: View, { sameTerm }: { sameTerm: boolean }): Promise<View> {
  const { term } = reignOf(before);
  const deadlineMs = WHOLE_MS;
  return waitFor("the cluster whole again", { deadlineMs, everyMs: 500 }, async () => {
    const view = await awaitHealthy(SHOP, { deadlineMs });
    const now = reignOf(view).term;
    return now > term || sameTerm ? { value: view } : `still term ${term}`;
  });
}

/** The present view. */
export const lookAt = (): Promise<View> => readView(SHOP);
