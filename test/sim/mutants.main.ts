/** `npm run mutants`: how many schedules it takes to see each known way to be wrong. */
import { mutants } from "./mutants";
import { runSchedule } from "./schedule";

const LIMIT = Number(process.argv[2] ?? 3_000);

for (const { name, options } of mutants) {
  let found: string | undefined;
  for (let seed = 1; seed <= LIMIT && found === undefined; seed++) {
    const { failure } = runSchedule(seed, options);
    if (failure !== undefined) found = `after ${seed}: ${failure.slice(0, 150)}`;
  }
  console.log(`${name}: ${found ?? `NOT SEEN in ${LIMIT} schedules`}`);
  if (found === undefined) process.exitCode = 1;
}
