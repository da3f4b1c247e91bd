/** Failover needs neither the controller nor the API server. */
import { afterEach, describe, expect } from "vitest";
import { readEndpoint, readPods } from "../../bench/cluster";
import { incident, reignOf, type Fault } from "../../bench/incident";
import { sleep, waitFor } from "../../bench/waits";
import { Writers } from "../../bench/writers";
import { killInPod, startApi, stopApi } from "../../sandbox/faults";
import { kubectl } from "../../sandbox/kube";
import { expectFailover, lookAt, podOf, SHOP, story, underWriters, wholeShop } from "./shop";

const CONTROLLER = ["-n", "pepr-system", "deployment", "pepr-porpoise-watcher"] as const;
const [, , , controllerName] = CONTROLLER;

async function scaleController(replicas: number): Promise<void> {
  await kubectl(["-n", "pepr-system", "scale", "deployment", controllerName, `--replicas=${replicas}`]);
  await waitFor(`${replicas} pods of the controller`, { deadlineMs: 60_000, everyMs: 250 }, async () => {
    const path = "{.status.replicas}/{.status.availableReplicas}";
    const state = await kubectl([
      "-n",
      "pepr-system",
      "get",
      "deployment",
      controllerName,
      "-o",
      `jsonpath=${path}`,
    ]);
    const wanted = replicas === 0 ? "/" : `${replicas}/${replicas}`;
    return state === wanted || (replicas === 0 && state === "0/")
      ? { value: undefined }
      : `replicas/available ${state}`;
  });
}

describe("with the controller stopped", () => {
  afterEach(() => scaleController(1), 90_000);

  story("a failover works, and the status is right when the controller is back", () =>
    underWriters({}, async (writers) => {
      await scaleController(0);
      const strike: Fault = async ({ instance }) => {
        const { at } = await killInPod(podOf(instance), "mysqld");
        const undo = async (): Promise<void> => {
          const { cluster } = await lookAt();
          expect(cluster?.status?.primary, "nobody writes the status now").toBe(instance);
          await scaleController(1);
        };
        return { at, undo };
      };
      // `incident` ends when status.primary and status.term are those of the agents.
      expectFailover("mysqld-sigkill, no controller", await incident(SHOP, writers, strike));
    }),
  );
});

describe("with the API server stopped", () => {
  // Harmless when it runs.
  afterEach(() => startApi());

  story("election and writes at the pods' addresses go on; the Service follows when it is back", async () => {
    await wholeShop();
    const hosts = (await readPods(SHOP)).flatMap(({ ip }) => ip ?? []);
    await underWriters({ hosts }, async (writers) => {
      const led = (await readEndpoint(SHOP, "primary")).addresses;
      const strike: Fault = async ({ instance }) => {
        stopApi();
        const { at } = await killInPod(podOf(instance), "mysqld");
        const undo = async (): Promise<void> => {
          await sleep(3000);
          startApi();
        };
        return { at, undo };
      };
      const one = await incident(SHOP, writers, strike);
      expectFailover("mysqld-sigkill, no API server, at the pods", one);
      const follows = (await readEndpoint(SHOP, "primary")).addresses;
      const primary = reignOf(await lookAt()).primary;
      if (primary !== one.before.primary) expect(follows).not.toEqual(led);
    });
    const atService = await Writers.start(SHOP);
    await atService.stop();
    atService.forget();
  });
});
