/** Voters come and go under load, by `kubectl scale`; pods are restarted in the order that was announced. */
import { describe, expect } from "vitest";
import { names } from "../../api/names";
import { awaitHealthy, readEvents, readPods } from "../../bench/cluster";
import { reignOf } from "../../bench/incident";
import { longestSilence } from "../../bench/outage";
import { waitFor } from "../../bench/waits";
import type { Writers } from "../../bench/writers";
import { kubectl } from "../../sandbox/kube";
import { recordGap } from "./gaps";
import { awaitMembers, patchSpec, scale, switchTo } from "./members";
import { NAMESPACE, OUTAGE_MAX_MS, SHOP, story, underWriters, WHOLE_MS, wholeShop } from "./shop";

const shop = (count: number): string[] => Array.from({ length: count }, (_, n) => names.instance("shop", n));

const all = (count: number) => ({ members: shop(count), voters: shop(count) });

/** The longest silence of all clients together since `at`, noted under `row`. */
function noteGap(row: string, writers: Writers, at: number): void {
  const silence = longestSilence(writers.entries(), { from: at, to: Date.now() });
  console.log(`${row}: longest write gap ${silence?.ms ?? "?"} ms`);
  recordGap(row, silence?.ms ?? NaN);
  expect(silence?.ms).toBeLessThan(OUTAGE_MAX_MS);
}

const claims = async (): Promise<string> =>
  kubectl(["-n", NAMESPACE, "get", "pvc", "-l", "porpoise.dev/cluster=shop", "-o", "name"]);

describe("scaling under writers", () => {
  story(
    "3 -> 5 -> 3: nobody's row is lost, the volumes stay, and one that comes back is taken in again",
    () =>
      underWriters({}, async (writers) => {
        const first = reignOf(await wholeShop()).primary;
        await switchTo(SHOP, shop(3).find((name) => name !== first) ?? "");
        const out = Date.now();
        await scale(SHOP, 5);
        await awaitMembers(SHOP, all(5));
        await awaitHealthy(SHOP, { deadlineMs: WHOLE_MS, instances: 5 });
        noteGap("scale 3 -> 5", writers, out);
        const back = Date.now();
        await scale(SHOP, 3);
        await awaitMembers(SHOP, all(3));
        await wholeShop();
        noteGap("scale 5 -> 3", writers, back);
        const removed = (await readEvents(SHOP, back - 1_000)).filter(
          ({ reason, message }) => reason === "MemberRemoved" && message.includes("is removed"),
        );
        expect(removed.map(({ message }) => message.split(" ")[0]).sort()).toEqual(["shop-3", "shop-4"]);
        expect(await claims()).toContain("data-shop-3-0");
        // It led before those two came and went: it must not wait for what it never had from them.
        const again = Date.now();
        await switchTo(SHOP, first);
        await wholeShop();
        noteGap("switchover after scaling in", writers, again);
        await scale(SHOP, 4);
        await awaitMembers(SHOP, all(4));
        await scale(SHOP, 3);
        await awaitMembers(SHOP, all(3));
      }),
  );
});

describe("kubectl drain of the primary's node, under writers", () => {
  story("the disruption budget lets it go, it hands over first, and comes back to its volume", () =>
    underWriters({}, async (writers) => {
      const before = await wholeShop();
      const { primary } = reignOf(before);
      const node = before.pods.find(({ instance }) => instance === primary)?.node ?? "";
      const at = Date.now();
      try {
        const how = ["--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=120s"];
        await kubectl(["drain", node, ...how], { timeoutMs: 130_000 });
        await writers.awaitOk(Date.now(), 30_000);
      } finally {
        await kubectl(["uncordon", node]);
      }
      const now = await wholeShop();
      noteGap("node drained", writers, at);
      expect(reignOf(now).primary).not.toBe(primary);
      const handed = (await readEvents(SHOP, at - 1_000)).map(({ reason }) => reason);
      expect(handed).toContain("SwitchedOver");
    }),
  );
});

describe("a rolling restart under writers", () => {
  story("for a static option: replicas first, leadership handed over, the former primary last", () =>
    underWriters({}, async (writers) => {
      const before = await wholeShop();
      const { primary } = reignOf(before);
      const at = Date.now();
      await patchSpec(SHOP, { config: { innodb_page_cleaners: 2 } });
      await awaitMembers(SHOP, all(3));
      const uids = new Set(before.pods.map(({ uid }) => uid));
      await waitFor("every pod a new one", { deadlineMs: WHOLE_MS, everyMs: 500 }, async () => {
        const old = (await readPods(SHOP)).filter(({ uid }) => uids.has(uid));
        return old.length === 0 ? { value: undefined } : old.map(({ name }) => name).join(", ");
      });
      await wholeShop();
      noteGap("rolling restart", writers, at);
      const restarted = (await readEvents(SHOP, at - 1_000))
        .filter(({ reason }) => reason === "Restarted")
        .map(({ message }) => /^Restarts (\S+):/.exec(message)?.[1]);
      expect(restarted).toHaveLength(3);
      expect(new Set(restarted)).toEqual(new Set(shop(3)));
      expect(restarted.at(-1), "the former primary is the last").toBe(primary);
    }),
  );
});
