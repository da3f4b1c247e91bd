import fc from "fast-check";
import { expect, test } from "vitest";
import { clientMarks, marksOf, PHASES, split, type Mark } from "./phases";

const at = (ms: number): string => new Date(1_000_000 + ms).toISOString();
const epoch = (ms: number): number => 1_000_000 + ms;

test("an outage is cut by the new primary's account, its slice, and the client's way", () => {
  const phasesMs = {
    candidate: 20,
    draining: 40,
    arming: 2,
    gathering: 8,
    barrier: 10,
    leasing: 0,
    opening: 5,
    total: 85,
  };
  const contacts = [
    { writer: 1, at: epoch(150), what: "reached" },
    { writer: 0, at: epoch(240), what: "reached" },
    { writer: 0, at: epoch(260), what: "greeted" },
    { writer: 0, at: epoch(900), what: "greeted" },
  ] as const;
  const marks: Mark[] = [
    ...marksOf({ at: at(145), phasesMs }),
    { phase: "publication", until: epoch(155) },
    ...clientMarks(contacts, { writer: 0, at: epoch(270) }),
  ];
  expect(split(marks, epoch(-5), epoch(270))).toEqual({
    detection: 65,
    votes: 20,
    drain: 40,
    followers: 10,
    barrier: 10,
    opening: 5,
    publication: 10,
    "kube-proxy": 85,
    login: 20,
    commit: 10,
  });
});

test("a client that was let in before the slice was seen has no time at kube-proxy", () => {
  const marks: Mark[] = [
    { phase: "detection", until: 50 },
    { phase: "publication", until: 80 },
    { phase: "kube-proxy", until: 70 },
    { phase: "commit", until: 100 },
  ];
  expect(split(marks, 0, 100)).toEqual({ detection: 50, publication: 30, "kube-proxy": 0, commit: 20 });
});

test("whatever the marks, no phase is negative and all together are the outage", () => {
  const mark = fc.record({ phase: fc.constantFrom(...PHASES), until: fc.integer({ min: -500, max: 2000 }) });
  fc.assert(
    fc.property(fc.array(mark, { minLength: 1 }), fc.integer({ min: 0, max: 1500 }), (marks, ms) => {
      const pieces = Object.values(split(marks, 0, ms));
      expect(pieces.every((piece) => piece >= 0)).toBe(true);
      expect(pieces.reduce((sum, piece) => sum + piece, 0)).toBeCloseTo(ms, 3);
    }),
    { seed: 4 },
  );
});
