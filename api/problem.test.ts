import { expect, test } from "vitest";
import { advise, formatDenial, formatPath, formatProblem, formatWarnings, plan, refuse } from "./problem";

test("a denial names the field, what is wrong, the value it got and the remedy", () => {
  const problem = refuse(["spec", "version"], "not known", { got: "9.8", remedy: "Known: 9.7." });
  expect(formatProblem(problem)).toBe("spec.version: not known; got 9.8. Known: 9.7.");
});

test.each([
  [["spec", "pod", "env", 0, "name"], "spec.pod.env[0].name"],
  [["spec", "pod", "labels", "porpoise.dev/role"], "spec.pod.labels[porpoise.dev/role]"],
  [["spec", "config", "loose-offline-mode"], "spec.config.loose-offline-mode"],
])("%j is %s", (path, text) => expect(formatPath(path)).toBe(text));

test("every error is told at once, warnings are not among them", () => {
  const remedy = "Remove it.";
  expect(
    formatDenial([
      refuse(["a"], "bad", { got: "", remedy }),
      advise([], "think"),
      refuse([], "worse", { remedy }),
    ]),
  ).toBe('a: bad; got "". Remove it.\nworse. Remove it.');
  expect(formatDenial([advise([], "think")])).toBeUndefined();
});

test("at most 20 lines of 120 characters", () => {
  const lines = formatWarnings(Array.from({ length: 30 }, (_, i) => plan([], `${i} ${"x".repeat(200)}`)));
  expect(lines).toHaveLength(20);
  expect(lines.every((line) => line.length <= 120)).toBe(true);
  expect(lines.at(-1)).toBe("plan: and 11 more");
});

test("a long or broken value stays one line", () => {
  const { message } = refuse([], "no", { got: `a\nb${"x".repeat(100)}`, remedy: "Go." });
  expect(message).toMatch(/^no; got a bx{60}…\. Go\.$/);
});
