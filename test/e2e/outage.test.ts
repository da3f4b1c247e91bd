/** The whole cluster stops at once, and starts by itself. */
import { describe, expect } from "vitest";
import { readPods } from "../../bench/cluster";
import { isProcess, podProcesses } from "../../sandbox/faults";
import { kubectl } from "../../sandbox/kube";
import { NAMESPACE, podOf, SHOP, story, underWriters, WHOLE_MS, wholeAgain, wholeShop } from "./shop";

describe("the whole cluster stops at once and starts again with every acknowledged row", () => {
  story("all its pods are deleted", () =>
    underWriters({}, async (writers) => {
      const before = await wholeShop();
      const uids = before.pods.map(({ uid }) => uid);
      await kubectl([
        "-n",
        NAMESPACE,
        "delete",
        "pods",
        "--wait=false",
        ...before.pods.map(({ name }) => name),
      ]);
      await wholeAgain(before, { sameTerm: false });
      const now = (await readPods(SHOP)).map(({ uid }) => uid);
      expect(now.filter((uid) => uids.includes(uid))).toEqual([]);
      await writers.awaitOk(Date.now(), WHOLE_MS);
    }),
  );

  story("all its mysqlds and agents are killed", () =>
    underWriters({}, async (writers) => {
      const before = await wholeShop();
      const running = await Promise.all(before.pods.map(({ instance }) => podProcesses(podOf(instance))));
      const victims = running.flat().filter((one) => isProcess(one, "agent") || isProcess(one, "mysqld"));
      expect(victims.length).toBe(6);
      // All found first: a supervisor ends the mysqld of a dead agent by itself.
      for (const { pid } of victims) process.kill(pid, "SIGKILL");
      await wholeAgain(before, { sameTerm: false });
      await writers.awaitOk(Date.now(), WHOLE_MS);
    }),
  );
});
