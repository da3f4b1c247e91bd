import { expect, test } from "vitest";
import { formatMysqlSize, formatQuantity, parseMysqlSize, parseQuantity } from "./quantity";

const GI = 1024 ** 3;

test.each<[string | number, number]>([
  ["10Gi", 10 * GI],
  ["1.5Gi", 1.5 * GI],
  ["500M", 500e6],
  ["1k", 1000],
  ["1048576", 1048576],
  [1048576, 1048576],
])("%s is %i bytes", (text, bytes) => expect(parseQuantity(text)).toBe(bytes));

test.each([[""], ["10GB"], ["10K"], ["-1Gi"], ["ten"]])("refuses %s", (text) =>
  expect(() => parseQuantity(text)).toThrow(/not a quantity/),
);

test("mysqld's G is 1024 to the third, and it takes small letters", () => {
  expect(["20G", "512m", "1024", "70%", "1.5G"].map(parseMysqlSize)).toEqual([
    20 * GI,
    GI / 2,
    1024,
    undefined,
    undefined,
  ]);
  expect([12 * GI, 12.9 * GI, 0.75 * GI].map(formatMysqlSize)).toEqual(["12G", "12G", "768M"]);
});

test("quantities are shown with at most one digit after the point", () => {
  expect([8.29 * GI, 10 * GI, 512, 1536].map(formatQuantity)).toEqual(["8.2Gi", "10Gi", "512", "1.5Ki"]);
});
