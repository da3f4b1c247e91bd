/** `make test-mutants`: which known ways to be wrong the simulation sees, by which seed; the last line counts. */
import { mutants, noticed } from "./mutants";

let caught = 0;
for (const mutant of mutants) {
  const found = noticed(mutant);
  const how = mutant.story === undefined ? "schedule" : `story ${mutant.story.name}, seed`;
  console.log(
    `${mutant.name}: ${found === undefined ? "NOT SEEN" : `${how} ${found.seed}: ${found.failure.slice(0, 140)}`}`,
  );
  if (found !== undefined) caught++;
}
console.log(`${caught} of ${mutants.length} mutants caught`);
process.exitCode = caught === mutants.length ? 0 : 1;
