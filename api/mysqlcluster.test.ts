import { expect, test } from "vitest";
import { MySQLClusterDefaults } from "./generated/mysqlcluster";
import {
  instanceNames,
  memoryOf,
  withDefaults,
  type MySQLCluster,
  type MySQLClusterSpec,
} from "./mysqlcluster";

const cluster = (spec: MySQLClusterSpec = {}): MySQLCluster => ({
  apiVersion: "porpoise.dev/v1",
  kind: "MySQLCluster",
  metadata: { name: "shop", namespace: "retail" },
  spec,
});

test("an empty spec is a highly available cluster of three", () => {
  expect(withDefaults(undefined)).toEqual(MySQLClusterDefaults);
  expect(instanceNames(cluster())).toEqual(["shop-0", "shop-1", "shop-2"]);
});

test("what is written stays, field by field, and the defaults fill in the rest", () => {
  const spec = withDefaults({
    instances: 5,
    resources: { requests: { memory: "4Gi" } },
    storage: { accessModes: ["ReadWriteOncePod"] },
    failover: { auto: false },
  });
  expect(spec.instances).toBe(5);
  expect(spec.resources.requests).toEqual({ cpu: "500m", memory: "4Gi" });
  expect(spec.storage).toEqual({ size: "10Gi", accessModes: ["ReadWriteOncePod"], scaleIn: "retain" });
  expect(spec.failover).toEqual({ heartbeat: "150ms", electionTimeout: "1s", auto: false });
});

test("the limit, where there is one, is the memory MySQL has", () => {
  expect(memoryOf(cluster())).toBe("1Gi");
  expect(memoryOf(cluster({ resources: { limits: { memory: "16Gi" } } }))).toBe("16Gi");
});
