/**
 * The simulation sees what it is there to see: each known way to be wrong, on a schedule or in a story that the real
 * one passes.
 */
import { describe, expect, test } from "vitest";
import { mutants, noticed, tell, TELLINGS } from "./mutants";

test.each(mutants)("$name is noticed ($breaks)", { timeout: 60_000 }, (mutant) => {
  expect(noticed(mutant), "not noticed").toBeDefined();
});

describe("the real one passes the mutants' stories", () => {
  const told = mutants.flatMap(({ story }) => (story === undefined ? [] : [{ name: story.name, story }]));
  test.each(told)("$name", { timeout: 60_000 }, ({ story }) => {
    for (let seed = 1; seed <= TELLINGS; seed++)
      expect(tell(story, { seed }), `with seed ${seed}`).toBeUndefined();
  });
});
