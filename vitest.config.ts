import { defineConfig } from "vitest/config";

/** Fastest first: `unit` needs nothing but Node, `process` a real mysqld, `e2e` the sandbox up. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: [
            "{api,agent,capabilities,webhooks,sandbox,images,bench,cli,scripts}/**/*.test.ts",
            "test/*.test.ts",
            "test/sim/**/*.test.ts",
            "test/faults/*.test.ts",
          ],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: "process",
          include: ["test/process/**/*.test.ts", "test/faults/checker/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: ["test/e2e/setup.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          sequence: { concurrent: false },
        },
      },
    ],
  },
});
