/** An agent dies while its mysqld serves. */
import { describe, expect } from "vitest";
import { longestSilence } from "../../bench/outage";
import { reignOf } from "../../bench/incident";
import { readView } from "../../bench/cluster";
import { sleep } from "../../bench/waits";
import { killInPod, podProcesses } from "../../sandbox/faults";
import { OUTAGE_MAX_MS, podOf, SHOP, story, underWriters, wholeAgain, wholeShop } from "./shop";
import { recordGap } from "./gaps";

/** Several election timeouts: whoever would stand has stood. */
const WATCH_MS = 6000;

const mysqldPid = async (instance: string): Promise<number | undefined> =>
  (await podProcesses(podOf(instance))).find(({ comm }) => comm === "mysqld")?.pid;

describe("an agent is killed while mysqld serves", () => {
  story("a follower's: no failover, and its mysqld serves on", () =>
    underWriters({}, async (writers) => {
      const before = await wholeShop();
      const { primary, term } = reignOf(before);
      const follower = [...before.members.keys()].find((name) => name !== primary) ?? "";
      const pid = await mysqldPid(follower);
      const { at } = await killInPod(podOf(follower), "agent");
      await sleep(WATCH_MS);
      await wholeAgain(before, { sameTerm: true });
      expect(reignOf(await readView(SHOP))).toEqual({ primary, term });
      expect(await mysqldPid(follower)).toBe(pid);
      const silence = longestSilence(writers.entries(), { from: at, to: Date.now() });
      recordGap("agent killed, follower", silence?.ms ?? NaN);
      expect(silence?.ms).toBeLessThan(OUTAGE_MAX_MS);
    }),
  );

  story("the leader's: a clean failover or none, and no row is missing", () =>
    underWriters({}, async (writers) => {
      const before = await wholeShop();
      const { primary } = reignOf(before);
      const { at } = await killInPod(podOf(primary), "agent");
      await sleep(WATCH_MS);
      await writers.awaitOk(Date.now(), 30_000);
      await wholeAgain(before, { sameTerm: true });
      const silence = longestSilence(writers.entries(), { from: at, to: Date.now() });
      recordGap("agent killed, leader", silence?.ms ?? NaN);
      expect(silence?.ms).toBeLessThan(OUTAGE_MAX_MS);
    }),
  );
});
