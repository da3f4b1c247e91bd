import { join } from "node:path";
import { expect, test } from "vitest";
import { expectGolden, sample } from "../testing";
import { dataServices, poolServices, services } from "./services";

const place = { cluster: sample(), name: "shop", namespace: "retail", clusterDomain: "cluster.local" };

test("the cluster's Services", () => {
  expectGolden(services(place), join(__dirname, "testdata", "services.yaml"));
});

test("a pool has a Service of its own, without a selector too", () => {
  const [pool] = poolServices(place, ["reports"]);
  expect(pool).toMatchObject({ metadata: { name: "shop-reports" }, spec: { type: "ClusterIP" } });
  expect(pool?.spec?.selector).toBeUndefined();
});

test("no data Service has a selector: Kubernetes must not take healthy pods out after an API outage", () => {
  expect(dataServices(place).map(({ spec }) => spec?.selector)).toEqual([undefined, undefined]);
});
