import { expect, test } from "vitest";
import { seconds, table } from "./terminal";

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
