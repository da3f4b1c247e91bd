import { join } from "node:path";
import { expect, test } from "vitest";
import { expectGolden, sample } from "../testing";
import { dataServices, services } from "./services";

const place = { cluster: sample(), name: "shop", namespace: "retail", clusterDomain: "cluster.local" };

test("the cluster's Services", () => {
  expectGolden(services(place), join(__dirname, "testdata", "services.yaml"));
});

test("no data Service has a selector: Kubernetes must not take healthy pods out after an API outage", () => {
  expect(dataServices(place).map(({ spec }) => spec?.selector)).toEqual([undefined, undefined]);
});
