/** `npm run mutants [schedules]`: how many schedules it takes to see each known way to be wrong. */
import { mutants, noticed } from "./mutants";

const LIMIT = Number(process.argv[2] ?? 6_000);

for (const mutant of mutants) {
  const found = noticed(mutant, LIMIT);
  console.log(
    `${mutant.name}: ${found === undefined ? `NOT SEEN in ${LIMIT} schedules` : `seed ${found.seed}: ${found.failure.slice(0, 140)}`}`,
  );
  if (found === undefined) process.exitCode = 1;
}
