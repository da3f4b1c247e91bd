/**
 * `npm run build`: the module, checked, and dist/porpoise.yaml, everything that an installation applies.
 * `pepr build` runs the compiler and exits with 0 also when the sources do not compile (pepr-facts 0.5): then it
 * writes no manifests, which is looked at, and its output is shown.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dump, load, loadAll } from "js-yaml";
import { installManifests, type Manifest } from "./manifests";

const ROOT = join(__dirname, "..");
const DIST = join(ROOT, "dist");
const OUTPUTS = { bundle: "pepr-porpoise.js", generated: "pepr-module-porpoise.yaml" } as const;
export const INSTALL_FILE = join(DIST, "porpoise.yaml");
const BUILD_TIMEOUT_MS = 300_000;

/** The image of this version; PORPOISE_IMAGE names another registry's. */
export function imageName(): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
  return process.env["PORPOISE_IMAGE"] ?? `localhost/porpoise/porpoise:${version}`;
}

/** Builds and writes dist/porpoise.yaml. @throws with the compiler's or Pepr's words. */
export function build(): Manifest[] {
  // A directory of its own, inside the checkout (elsewhere Pepr does not find itself): builds may run side by side.
  const directory = join(DIST, `.build-${process.pid}`);
  mkdirSync(directory, { recursive: true });
  try {
    return collect(directory, run("pepr build", ["pepr", "build", "-i", imageName(), "-o", directory]));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Checks what Pepr wrote, puts the bundle into dist/ and the corrected manifests beside it. */
function collect(directory: string, output: string): Manifest[] {
  const [bundle, generated] = [join(directory, OUTPUTS.bundle), join(directory, OUTPUTS.generated)];
  const absent = [bundle, generated].filter((file) => !existsSync(file));
  if (absent.length > 0) throw new Error(`pepr build made no ${absent.join(", ")}:\n${output.slice(-8_000)}`);
  const manifests = installManifests({
    generated: loadAll(readFileSync(generated, "utf8")).filter(Boolean) as Manifest[],
    crds: readCrds(),
    image: imageName(),
    bundle: readFileSync(bundle, "utf8"),
  });
  const file = join(directory, "porpoise.yaml");
  writeFileSync(file, manifests.map((manifest) => dump(manifest, { lineWidth: -1 })).join("---\n"));
  renameSync(bundle, join(DIST, OUTPUTS.bundle));
  renameSync(file, INSTALL_FILE);
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
