import { expect, test } from "vitest";
import { metadataDefaults } from "./defaults";

test("a new cluster gets our finalizer and label beside the user's", () => {
  expect(metadataDefaults({ name: "shop", finalizers: ["x/y"], labels: { team: "a" } })).toEqual({
    finalizers: ["x/y", "porpoise.dev/cleanup"],
    labels: { team: "a", "porpoise.dev/cluster": "shop" },
  });
});

test("nothing twice, and no label while the API server has not made the name", () => {
  expect(metadataDefaults({ finalizers: ["porpoise.dev/cleanup"] })).toEqual({
    finalizers: ["porpoise.dev/cleanup"],
    labels: {},
  });
});
