/** One process of a long run: takes ranges of seeds, answers with what they came to (crew.ts). */
import { runSchedule } from "./schedule";
import { emptyTally, note } from "./tally";

export interface Range {
  readonly from: number;
  readonly count: number;
}

process.on("message", ({ from, count }: Range) => {
  const tally = emptyTally();
  for (let seed = from; seed < from + count; seed++) note(tally, runSchedule(seed));
  process.send?.(tally);
});
