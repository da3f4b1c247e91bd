/**
 * The simulation sees what it is there to see: each known way to be wrong, within a bounded number of schedules, on a
 * schedule that the real one passes. The rare ones take minutes: `npm run mutants`.
 */
import { expect, test } from "vitest";
import { mutants, noticed } from "./mutants";

const LIMIT = 250;

test.each(mutants.filter(({ rare }) => rare !== true))(
  "$name is noticed ($breaks)",
  { timeout: 60_000 },
  (mutant) => {
    expect(noticed(mutant, LIMIT), `not noticed in ${LIMIT} schedules`).toBeDefined();
  },
);
