/** Passes a child's output on, each line with the child's name before it. */
import type { Readable } from "node:stream";

const LINE_MAX = 64 * 1024;

/** Reads `from` to its end; a line that never ends is cut into pieces. */
export function passOn(name: string, from: Readable, to: NodeJS.WritableStream): void {
  let rest = "";
  from.setEncoding("utf8");
  from.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > LINE_MAX) {
      lines.push(rest);
      rest = "";
    }
    for (const line of lines) to.write(`${name} | ${line}\n`);
  });
  from.on("end", () => {
    if (rest !== "") to.write(`${name} | ${rest}\n`);
  });
  from.on("error", () => undefined);
}
