import { expect, test } from "vitest";
import { Applier } from "./apply";
import type { KubeObject } from "./objects";
import { FakeKube } from "./testing";

const object = (kind: string, values: object = {}): KubeObject & object => ({
  apiVersion: "v1",
  kind,
  metadata: { name: "x", namespace: "n" },
  ...values,
});

test("an object is applied again when it changed, when it is forgotten, and after a while", async () => {
  const kube = new FakeKube();
  let nowMs = 0;
  const applier = new Applier(kube, () => nowMs);
  const count = async (...objects: KubeObject[]) => {
    kube.calls.length = 0;
    await applier.all(objects);
    return kube.calls.length;
  };
  expect(await count(object("Service"))).toBe(1);
  expect(await count(object("Service"))).toBe(0);
  expect(await count(object("Service", { spec: 1 }))).toBe(1);
  applier.forget(object("Service"));
  expect(await count(object("Service", { spec: 1 }))).toBe(1);
  nowMs = 25_001;
  expect(await count(object("Service", { spec: 1 }))).toBe(1);
});

test("every object is tried although one is refused, and the refused one is tried again", async () => {
  const kube = new FakeKube();
  kube.refused.add("Service n/x");
  const applier = new Applier(kube, () => 0);
  const objects = [object("Service"), object("ConfigMap")];
  await expect(applier.all(objects)).rejects.toThrow("refused by the test");
  expect(kube.find("ConfigMap n/x")).toBeDefined();
  kube.refused.clear();
  kube.calls.length = 0;
  await applier.all(objects);
  expect(kube.calls).toEqual(["apply Service n/x"]);
});

test("a RoleBinding waits for its Role", async () => {
  const kube = new FakeKube();
  await new Applier(kube, () => 0).all([object("RoleBinding"), object("Role")]);
  expect(kube.calls).toEqual(["apply Role n/x", "apply RoleBinding n/x"]);
});
