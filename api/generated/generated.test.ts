import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { generated } from "../../scripts/generate";

const ROOT = path.join(__dirname, "../..");

test("what is committed is what `npm run generate` makes of crds/", async () => {
  for (const [file, text] of await generated()) {
    expect(readFileSync(path.join(ROOT, file), "utf8"), `${file}: run npm run generate`).toBe(text);
  }
});
