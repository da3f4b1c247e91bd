import { expect, test } from "vitest";
import { readFacts, type StorageClass } from "./facts";
import { shop } from "./sample";

const fast: StorageClass = { metadata: { name: "fast" }, allowVolumeExpansion: true };
const local: StorageClass = {
  metadata: { name: "local", annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
};
const read = async (): Promise<StorageClass[]> => Promise.resolve([fast, local]);
const small = shop({ storage: { size: "10Gi" } });

test.each([
  [
    "the named class",
    shop({ storage: { size: "20Gi", storageClass: "fast" } }),
    { storageClass: { name: "fast", expandable: true } },
  ],
  [
    "the default class",
    shop({ storage: { size: "20Gi" } }),
    { storageClass: { name: "local", expandable: false } },
  ],
  ["a class that is not there", shop({ storage: { size: "20Gi", storageClass: "gone" } }), {}],
])("growth on %s", async (_, next, facts) => expect(await readFacts(next, small, read)).toEqual(facts));

test("nobody is asked unless a volume changes its size", async () => {
  const never = async (): Promise<never> => Promise.reject(new Error("asked"));
  expect(await readFacts(small, undefined, never)).toEqual({});
  expect(await readFacts(shop({ version: "9.8" }), small, never)).toEqual({});
});

test("a fact that cannot be read, or not in time, is absent", async () => {
  const grown = shop({ storage: { size: "20Gi" } });
  expect(await readFacts(grown, small, async () => Promise.reject(new Error("forbidden")))).toEqual({});
  expect(await readFacts(grown, small, async () => new Promise(() => undefined), 10)).toEqual({});
});
