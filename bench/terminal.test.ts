import { expect, test } from "vitest";
import { seconds, shorten, table } from "./terminal";

test("a table is aligned, figures flush right, without spaces at the end", () => {
  expect(
    table(
      ["fault", "outage", "term"],
      [
        ["mysqld-sigkill", "812 ms", "2"],
        ["pod", "9 ms", "10"],
      ],
      [1],
    ),
  ).toEqual([
    "fault            outage   term",
    "mysqld-sigkill   812 ms   2",
    "pod                9 ms   10",
  ]);
});

test("seconds have one decimal", () => expect(seconds(1260)).toBe("1.3 s"));

test("a reason is told without npm's remarks and without pages of output", () => {
  expect(shorten("npm warn x\n\nTypeScript failed:\na.ts(1,1): error\n")).toBe(
    "TypeScript failed:\na.ts(1,1): error",
  );
  expect(shorten("x\n".repeat(25)).split("\n").at(-1)).toBe("… 5 more lines");
});
