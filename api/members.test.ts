import { expect, test } from "vitest";
import { membersOf, votersOf } from "./members";
import type { MySQLClusterSpec } from "./mysqlcluster";
import { restartOrder } from "./rollout";

const shop = (spec: MySQLClusterSpec) => ({ metadata: { name: "shop", namespace: "retail" }, spec });

test.each<[string, MySQLClusterSpec, string[]]>([
  ["an empty spec", {}, ["shop-0 voter", "shop-1 voter", "shop-2 voter"]],
  ["a witness", { instances: 2, witness: {} }, ["shop-0 voter", "shop-1 voter", "shop-witness witness"]],
  [
    "pools",
    {
      instances: 1,
      readReplicas: [
        { name: "reports", instances: 2 },
        { name: "hourago", delay: "1h" },
      ],
    },
    ["shop-0 voter", "shop-reports-0 learner", "shop-reports-1 learner", "shop-hourago-0 learner 1h"],
  ],
])("the members of %s", (_, spec, list) => {
  const text = membersOf(shop(spec)).map(
    ({ name, kind, delay }) => `${name} ${kind}${delay === "0s" ? "" : ` ${delay}`}`,
  );
  expect(text).toEqual(list);
});

test("who votes", () => {
  const spec = { instances: 2, witness: {}, readReplicas: [{ name: "reports" }] };
  expect(votersOf(shop(spec)).map(({ name }) => name)).toEqual(["shop-0", "shop-1", "shop-witness"]);
});

test("restarts begin where nobody counts on it and end at the primary", () => {
  const spec = { instances: 4, witness: {}, readReplicas: [{ name: "reports", instances: 2 }] };
  // Four instances and a witness: the schema allows it, and every kind is in it.
  expect(restartOrder(membersOf(shop(spec)), "shop-2").map(({ name }) => name)).toEqual([
    "shop-reports-1",
    "shop-reports-0",
    "shop-witness",
    "shop-3",
    "shop-1",
    "shop-0",
    "shop-2",
  ]);
});
