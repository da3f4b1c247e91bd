/**
 * `npm run generate`: makes api/generated/ and docs/api.md from crds/*.yaml, the one truth about our kinds.
 * api/generated/generated.test.ts fails when somebody forgot to run it.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { load } from "js-yaml";
import { format } from "prettier";
import { referenceOf } from "./generate/reference";
import type { Crd } from "./generate/schema";
import { typesOf } from "./generate/types";

const ROOT = path.join(__dirname, "..");

/** Every generated file's path, relative to the checkout, with the text it should have. Touches nothing. */
export async function generated(): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  const crds: Crd[] = [];
  for (const file of readdirSync(path.join(ROOT, "crds"))
    .filter((name) => name.endsWith(".yaml"))
    .sort()) {
    const crd = load(readFileSync(path.join(ROOT, "crds", file), "utf8")) as Crd;
    crds.push(crd);
    const text = typesOf(crd, `crds/${file}`);
    files.set(
      `api/generated/${file.replace(/yaml$/, "ts")}`,
      await format(text, { parser: "typescript", printWidth: 110 }),
    );
  }
  files.set("docs/api.md", await format(referenceOf(crds), { parser: "markdown" }));
  return files;
}

async function main(): Promise<void> {
  for (const [file, text] of await generated()) {
    writeFileSync(path.join(ROOT, file), text);
    console.log(file);
  }
}

if (require.main === module) void main();
