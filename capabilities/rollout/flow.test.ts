/** Rolling restarts and the renewal of agents: whole runs of the controller. */
import { beforeEach, describe, expect, test } from "vitest";
import { World, VOTERS } from "../world";

let w: World;

beforeEach(() => {
  w = new World();
});

describe("rolling restart", () => {
  const podNames = () => w.deleted("Pod").map((call) => call.replace("delete Pod retail/", ""));

  test("in the announced order, each awaited, leadership handed over, the former primary last", async () => {
    await w.ready();
    w.kube.calls.length = 0;
    w.change({ resources: { requests: { memory: "2Gi" } } });
    w.serve(VOTERS);
    await w.run();
    expect(podNames()).toEqual([]); // Kubernetes does not know the template yet.
    expect(w.cluster().status).toMatchObject({ phase: "Updating", rollout: { updated: 0, total: 3 } });
    w.kubernetes();
    await w.run();
    expect(podNames()).toEqual(["shop-2-0"]);
    await w.run();
    expect(podNames()).toEqual(["shop-2-0"]); // It has not come back.
    expect(w.cluster().status?.rollout?.waitingFor).toBe("shop-2: has no pod yet");
    w.kubernetes();
    await w.run();
    expect(podNames()).toEqual(["shop-2-0", "shop-1-0"]);
    w.kubernetes();
    await w.run();
    expect(w.agents.asked).toEqual(["transfer shop-0"]);
    expect(podNames()).toEqual(["shop-2-0", "shop-1-0"]);
    w.serve(["shop-1", "shop-0", "shop-2"]);
    await w.run();
    expect(podNames()).toEqual(["shop-2-0", "shop-1-0", "shop-0-0"]);
    w.kubernetes();
    await w.run();
    expect(w.cluster().status).toMatchObject({ phase: "Ready", rollout: { updated: 3, total: 3 } });
    expect(w.events("Restarted")).toHaveLength(3);
    expect(w.events("Restarted")[0]).toMatch(/^Restarts shop-2: pod template \w+ -> \w+/);
  });

  test("an option sized by memory goes online as the present pod can bear it, not as the next one will", async () => {
    await w.ready();
    w.change({ resources: { requests: { memory: "8Gi" } } });
    w.serve(VOTERS);
    await w.run();
    const last = [...w.agents.intents.values()].map((intents) => intents.at(-1)?.onlineConfig);
    const pools = last.map((config) => config?.["innodb_buffer_pool_size"]);
    expect(pools).toEqual(Array(3).fill(String(512 * 1024 ** 2)));
  });

  test("a refused hand-over is said and tried again", async () => {
    await w.ready({ instances: 1, config: { innodb_page_cleaners: 1 } }, ["shop-0"]);
    w.change({ instances: 2 });
    await w.run();
    w.kubernetes();
    w.serve(["shop-0", "shop-1"]);
    await w.run();
    w.agents.transferAnswer = { accepted: false, reason: "shop-1 lags by 4 s" };
    const pod = w.kube.find("Pod retail/shop-0-0")!;
    const annotations = { ...pod.metadata.annotations, "porpoise.dev/revision": "old" };
    w.kube.put({ ...pod, metadata: { ...pod.metadata, annotations } });
    w.kubernetes();
    w.serve(["shop-0", "shop-1"]);
    for (const name of ["shop-0", "shop-1"]) {
      const one = w.kube.find(`Pod retail/${name}-0`)!;
      const config = { "porpoise.dev/config": JSON.stringify(w.cluster().status?.effective) };
      w.kube.put({
        ...one,
        metadata: { ...one.metadata, annotations: { ...one.metadata.annotations, ...config } },
      });
    }
    await w.run();
    expect(w.cluster().status?.rollout?.waitingFor).toBe("shop-0 to hand over: shop-1 lags by 4 s");
    expect(podNames()).toEqual([]);
  });

  test("onDelete: what waits is said, nothing is restarted, the cluster is Ready", async () => {
    await w.ready();
    w.change({ image: "other", update: { strategy: "onDelete" } });
    w.serve(VOTERS);
    await w.run();
    w.kubernetes();
    await w.run();
    expect(podNames()).toEqual([]);
    expect(w.cluster().status?.phase).toBe("Ready");
    expect(w.condition("ConfigApplied").message).toContain("update.strategy is onDelete: delete the pods");
  });
});

test("agents are renewed one at a time, the leader last", async () => {
  await w.ready();
  const bundle = { code: Buffer.from("agent"), sha256: "new" };
  w.ports = { ...w.ports, bundle };
  const runsOld = (...names: string[]) =>
    VOTERS.forEach((name) => {
      const sha256 = names.includes(name) ? "old" : "new";
      w.agents.members.set(name, { ...w.agents.members.get(name)!, bundle: { sha256 } });
    });
  for (const left of [["shop-0", "shop-1", "shop-2"], ["shop-0", "shop-1"], ["shop-0"], []]) {
    runsOld(...left);
    await w.run();
    await w.run(); // Told once, however often it is looked at.
  }
  expect(w.agents.asked).toEqual(["renew shop-2 new", "renew shop-1 new", "renew shop-0 new"]);
});
