import { expect, test } from "vitest";
import { acknowledgements, electionQuorum, toleratedLosses } from "./quorum";

test.each([1, 2, 3, 4, 5, 6, 7, 8, 9])(
  "I1: with %i voters every acknowledged commit meets every electorate",
  (voters) => {
    expect(acknowledgements(voters) + 1 + electionQuorum(voters)).toBeGreaterThan(voters);
    expect(toleratedLosses(voters)).toBe(Math.ceil(voters / 2) - 1);
  },
);

test("two data voters beside a witness: k = 1, two votes", () => {
  expect(acknowledgements(3, 2)).toBe(1);
  expect(electionQuorum(3)).toBe(2);
});
