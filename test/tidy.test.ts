/**
 * Style as a test: who may import whom (docs/architecture: dependencies point one way), and what pure code may not
 * touch. A rule that fails names the file and the line.
 */
import { readFileSync, readdirSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, normalize, relative } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = join(__dirname, "..");
const SKIPPED = new Set(["node_modules", "dist", "out", ".git", ".sandbox", ".library"]);

function files(folder: string, ending = ".ts"): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : files(path, ending);
    return entry.name.endsWith(ending) && !entry.name.endsWith(".d.ts") ? [path] : [];
  });
}

const sources = files(".").filter((path) => !path.includes("/generated/"));
const shipped = sources.filter((path) => !path.endsWith(".test.ts") && !/^(test|bench)\//.test(path));
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^"'`;=]*?\bfrom\s*["']([^"']+)["']|(?:^|\n)\s*import\s*["']([^"']+)["']|\b(?:import|require)\(["']([^"']+)["']\)/g;
const importsOf = (path: string): string[] =>
  [...read(path).matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
/** The repository's path of an import; undefined for a package. */
const inRepo = (path: string, target: string): string | undefined =>
  target.startsWith(".") ? relative(ROOT, normalize(join(ROOT, dirname(path), target))) : undefined;

/** Folder → the folders of ours it may import. The first that matches the file holds. */
const ALLOWED: readonly (readonly [folder: string, allowed: readonly string[]])[] = [
  ["agent/supervisor/", ["agent/supervisor/"]],
  ["agent/raft/", ["agent/raft/", "api/"]],
  ["agent/", ["agent/", "api/"]],
  ["api/", ["api/"]],
  ["webhooks/", ["webhooks/", "api/", "kinds"]],
  ["capabilities/", ["capabilities/", "api/", "kinds", "package.json"]],
  ["cli/", ["cli/", "api/"]],
];

describe("dependencies point one way", () => {
  test.each(shipped.filter((path) => ALLOWED.some(([folder]) => path.startsWith(folder))))("%s", (path) => {
    const [, allowed] = ALLOWED.find(([folder]) => path.startsWith(folder)) ?? ["", []];
    const ours = importsOf(path).flatMap((target) => inRepo(path, target) ?? []);
    expect(ours.filter((target) => !allowed.some((folder) => target.startsWith(folder)))).toEqual([]);
  });
});

describe("the core is pure", () => {
  const IMPURE =
    /\bawait\b|\basync\b|\bDate\b|Math\.random|\bsetTimeout\b|\bsetInterval\b|\bprocess\.|\bperformance\b/;
  test.each(shipped.filter((path) => path.startsWith("agent/raft/")))("%s", (path) => {
    const code = read(path).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
    expect(code.split("\n").filter((line) => IMPURE.test(line))).toEqual([]);
    expect(
      importsOf(path).filter((target) => target.startsWith("node:") || builtinModules.includes(target)),
    ).toEqual([]);
  });
});

describe("only the rim knows its library", () => {
  const HOME: readonly (readonly [library: RegExp, homes: RegExp])[] = [
    [
      /^pepr$|^kubernetes-fluent-client/,
      /^(pepr|kinds|runtime-patches)\.ts$|^webhooks\/index(\.test)?\.ts$|^capabilities\/(index|kube)\.ts$/,
    ],
    [/^mysql2/, /^(agent\/mysql|bench|test|sandbox)\//],
    [/^express$/, /^agent\/http\/|^test\//],
  ];
  test.each(sources)("%s", (path) => {
    for (const [library, homes] of HOME) {
      if (!homes.test(path)) expect(importsOf(path).filter((target) => library.test(target))).toEqual([]);
    }
  });
});

test("no file is too long to hold in mind", () => {
  const long = sources.filter((path) => read(path).split("\n").length > 401);
  expect(long).toEqual([]);
});

test("nothing is left unfinished or silenced", () => {
  const words =
    /\b(TODO|FIXME|XXX|HACK)\b|@ts-(ignore|expect-error|nocheck)|\b(describe|test|it)\.(only|skip|todo)\b/;
  const self = relative(ROOT, __filename);
  const found = sources
    .filter((path) => path !== self)
    .flatMap((path) =>
      read(path)
        .split("\n")
        .flatMap((line, index) => (words.test(line) ? [`${path}:${index + 1} ${line.trim()}`] : [])),
    );
  expect(found).toEqual([]);
});
