/**
 * `npm run build`: the module, checked, and dist/porpoise.yaml, everything that an installation applies.
 * `pepr build` exits with 0 also when the sources do not compile (pepr-facts 0.5): its outputs are looked at.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dump, load, loadAll } from "js-yaml";
import { installManifests, type Manifest } from "./manifests";

const ROOT = join(__dirname, "..");
const DIST = join(ROOT, "dist");
const BUNDLE = join(DIST, "pepr-porpoise.js");
const GENERATED = join(DIST, "pepr-module-porpoise.yaml");
export const INSTALL_FILE = join(DIST, "porpoise.yaml");
const BUILD_TIMEOUT_MS = 300_000;

/** The image of this version; PORPOISE_IMAGE names another registry's. */
export function imageName(): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
  return process.env["PORPOISE_IMAGE"] ?? `localhost/porpoise/porpoise:${version}`;
}

/** Builds and writes dist/porpoise.yaml. @throws with the compiler's or Pepr's words. */
export function build(): Manifest[] {
  run("TypeScript", [
    "tsc",
    "-p",
    "tsconfig.json",
    "--noEmit",
    "--emitDeclarationOnly",
    "false",
    "--declaration",
    "false",
  ]);
  [BUNDLE, GENERATED].forEach((file) => rmSync(file, { force: true }));
  const output = run("pepr build", ["pepr", "build", "-i", imageName()]);
  const absent = [BUNDLE, GENERATED].filter((file) => !existsSync(file));
  if (absent.length > 0) throw new Error(`pepr build made no ${absent.join(", ")}:\n${output}`);
  const manifests = installManifests({
    generated: loadAll(readFileSync(GENERATED, "utf8")).filter(Boolean) as Manifest[],
    crds: readCrds(),
    image: imageName(),
    bundle: readFileSync(BUNDLE, "utf8"),
  });
  writeFileSync(INSTALL_FILE, manifests.map((manifest) => dump(manifest, { lineWidth: -1 })).join("---\n"));
  return manifests;
}

function readCrds(): Manifest[] {
  const directory = join(ROOT, "crds");
  const files = readdirSync(directory).filter((file) => file.endsWith(".yaml"));
  return files.sort().map((file) => load(readFileSync(join(directory, file), "utf8")) as Manifest);
}

/** Runs a tool of node_modules; its output is shown only when it fails. */
function run(what: string, args: readonly string[]): string {
  const options = {
    cwd: ROOT,
    encoding: "utf8",
    timeout: BUILD_TIMEOUT_MS,
    maxBuffer: 64 * 1024 ** 2,
  } as const;
  const { status, stdout, stderr, error } = spawnSync("npx", args, options);
  const output = `${stdout ?? ""}${stderr ?? ""}`;
  if (error || status !== 0) throw new Error(`${what} failed:\n${output.slice(-8_000)}`, { cause: error });
  return output;
}

if (require.main === module) {
  try {
    const manifests = build();
    console.log(`dist/porpoise.yaml: ${manifests.length} objects, image ${imageName()}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
