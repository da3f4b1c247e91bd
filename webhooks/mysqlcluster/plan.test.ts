import { describe, expect, test } from "vitest";
import type { MySQLClusterSpec } from "../../api/mysqlcluster";
import { formatWarnings } from "../../api/problem";
import { shop } from "./sample";
import { reviewChange } from "./validate";

describe("the plan", () => {
  const status = { primary: "shop-1" };
  const changed = (before: MySQLClusterSpec, after: MySQLClusterSpec): string[] =>
    formatWarnings(reviewChange(shop(after, { status }), shop(before, { status })));

  test.each<[string, MySQLClusterSpec, MySQLClusterSpec, string[]]>([
    ["nothing", { instances: 3 }, {}, ["plan: nothing changes"]],
    [
      "an online option",
      { config: { max_connections: 500 } },
      { config: { max_connections: 800 } },
      ["plan: online: config.max_connections 500 -> 800 on 3 instances"],
    ],
    [
      "a new option",
      {},
      { config: { slow_query_log: true } },
      ["plan: online: config.slow_query_log default -> true on 3 instances"],
    ],
    [
      "a static option",
      {},
      { config: { innodb_page_cleaners: 2 } },
      ["plan: restart: shop-2, shop-0, switchover, shop-1 (config.innodb_page_cleaners)"],
    ],
    [
      "an option taken away",
      { config: { max_connections: 5 } },
      {},
      ["plan: restart: shop-2, shop-0, switchover, shop-1 (config.max_connections)"],
    ],
    [
      "more memory",
      {},
      { resources: { requests: { memory: "2Gi" } } },
      ["plan: restart: shop-2, shop-0, switchover, shop-1 (resources.requests.memory)"],
    ],
    [
      "timing",
      {},
      { failover: { heartbeat: "200ms" } },
      ["plan: online: failover.heartbeat 150ms -> 200ms on 3 instances"],
    ],
    [
      "reads",
      {},
      { services: { replicas: { maxLag: "5s" } } },
      ["plan: online: services.replicas.maxLag 10s -> 5s"],
    ],
    ["more instances", {}, { instances: 5 }, ["plan: add: shop-3, shop-4; voters 3 -> 5"]],
    [
      "fewer instances",
      {},
      { instances: 1 },
      ["plan: remove: shop-1, shop-2; their volumes stay; voters 3 -> 1"],
    ],
    [
      "one instance fewer, with its volume",
      { storage: { scaleIn: "delete" } },
      { instances: 2, storage: { scaleIn: "delete" } },
      [
        "advice: 2 instances, no witness: no automatic failover. Add witness: {}.",
        "plan: remove: shop-2 and its volume; voters 3 -> 2",
      ],
    ],
    [
      "a witness in the third's place",
      {},
      { instances: 2, witness: {} },
      ["plan: add: shop-witness (votes, holds no data)", "plan: remove: shop-2; its volume stays"],
    ],
    [
      "pools come, go, grow and are told another delay",
      { readReplicas: [{ name: "old" }, { name: "reports" }, { name: "hourago", delay: "1h" }] },
      {
        readReplicas: [{ name: "reports", instances: 2 }, { name: "hourago", delay: "2h" }, { name: "new" }],
      },
      [
        "plan: add: shop-reports-1 (reads, no vote)",
        "plan: add: shop-new-0 (reads, no vote)",
        "plan: remove: shop-old-0; its volume stays",
        "plan: online: readReplicas[hourago].delay 1h -> 2h",
      ],
    ],
    [
      "a pool's memory",
      { readReplicas: [{ name: "reports" }] },
      { readReplicas: [{ name: "reports", resources: { requests: { memory: "2Gi" } } }] },
      ["plan: restart: shop-reports-0 (readReplicas[reports].resources.requests.memory)"],
    ],
    [
      "memory of all but the pool that has its own, and the witness",
      {
        instances: 2,
        witness: {},
        readReplicas: [{ name: "reports", resources: { requests: { memory: "4Gi" } } }],
      },
      {
        instances: 2,
        witness: {},
        resources: { requests: { memory: "2Gi" } },
        readReplicas: [{ name: "reports", resources: { requests: { memory: "4Gi" } } }],
      },
      ["plan: restart: shop-0, switchover, shop-1 (resources.requests.memory)"],
    ],
    [
      "a static option goes to the pools, not to the witness",
      { instances: 2, witness: {}, readReplicas: [{ name: "reports" }] },
      {
        instances: 2,
        witness: {},
        readReplicas: [{ name: "reports" }],
        config: { innodb_page_cleaners: 2 },
      },
      ["plan: restart: shop-reports-0, shop-0, switchover, shop-1 (config.innodb_page_cleaners)"],
    ],
    [
      "the witness's pod",
      { instances: 2, witness: {} },
      { instances: 2, witness: { pod: { nodeSelector: { zone: "c" } } } },
      ["plan: restart: shop-witness (witness.pod.nodeSelector.zone)"],
    ],
    [
      "a restart that is left to a person",
      { update: { strategy: "onDelete" } },
      { update: { strategy: "onDelete" }, image: "x" },
      ["plan: restart by hand: shop-2, shop-0, switchover, shop-1 (image)"],
    ],
    [
      "a toleration",
      {},
      { pod: { tolerations: [{ key: "db" }] } },
      ["plan: restart: shop-2, shop-0, switchover, shop-1 (pod.tolerations)"],
    ],
  ])("%s", (_, before, after, lines) => expect(changed(before, after)).toEqual(lines));

  test("a standalone server just restarts; without a known primary nobody switches over", () => {
    const next = shop({ instances: 1, image: "x" });
    expect(
      formatWarnings(reviewChange(next, shop({ instances: 1 }, { status: { primary: "shop-0" } }))),
    ).toEqual(["plan: restart: shop-0 (image)"]);
    expect(formatWarnings(reviewChange(shop({ image: "x" }), shop()))).toEqual([
      "plan: restart: shop-2, shop-1, shop-0 (image)",
    ]);
  });

  test("what is paused waits", () => {
    expect(changed({ paused: true }, { paused: true, config: { max_connections: 5 } })).toEqual([
      "advice: shop is paused: this waits for paused: false.",
      "plan: online: config.max_connections default -> 5 on 3 instances",
    ]);
  });

  test("a refusal has no plan, and who asked for quiet gets none", () => {
    expect(reviewChange(shop({ version: "9.8" }), shop()).map(({ severity }) => severity)).toEqual(["error"]);
    const quiet = { annotations: { "porpoise.dev/quiet": "" } };
    expect(reviewChange(shop({ image: "x" }, { metadata: quiet }), shop())).toEqual([]);
  });
});
