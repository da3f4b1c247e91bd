/** The simulation sees what it is there to see: each known way to be wrong, within a bounded number of schedules. */
import { expect, test } from "vitest";
import { mutants } from "./mutants";
import { runSchedule } from "./schedule";

const LIMIT = 1_000;

test.each(mutants)("$name is noticed ($breaks)", { timeout: 60_000 }, ({ options, name }) => {
  let failure: string | undefined;
  for (let seed = 1; seed <= LIMIT && failure === undefined; seed++)
    failure = runSchedule(seed, options).failure;
  expect(failure, `${name} was not noticed in ${LIMIT} schedules`).toBeDefined();
});
