import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { CHECKOUT, IMAGES } from "../sandbox/config";
import { run } from "../sandbox/run";
import { RUNTIME } from "./base";
import { bundle } from "./bundle";
import { packLayer, writeImage, type Layer } from "./pack";
import { filesBelow } from "./files";

/**
 * Our image: controller and webhooks (Pepr's module under /app) and what the init container of a MySQL pod copies
 * (/porpoise). Three layers change seldom and form the base image; the fourth is a few megabytes of bundles, so
 * that a developer's change reaches the nodes in seconds.
 */

/** Where the built Pepr module lies. */
const MODULE = join(CHECKOUT, "dist/pepr-porpoise.js");

export interface Built {
  readonly layout: string;
  /** Sources that did not exist, so that their bundles are not in the image. */
  readonly missing: readonly string[];
}

/**
 * Builds our image over a base that was built in `base`. `thin` ships only the layer of bundles, for a containerd
 * that has the base image.
 */
export async function buildPorpoise(dir: string, options: { base: string; thin: boolean }): Promise<Built> {
  const missing = [...(await bundle())];
  if (!(await buildModule())) missing.push("pepr.ts");
  const top = join(dir, "top");
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(join(top, "porpoise"), { recursive: true });
  mkdirSync(join(top, "app"), { recursive: true });
  // Pepr's own manifests (`npx pepr deploy`) start its controller.js, which unpacks the module into /app.
  chmodSync(join(top, "app"), 0o1777);
  for (const file of ["agent.js", "supervisor.js", "install.js"]) {
    const from = join(CHECKOUT, "dist/agent", file);
    if (existsSync(from)) copyFileSync(from, join(top, "porpoise", file));
  }
  copyFileSync(join(CHECKOUT, "package.json"), join(top, "app/package.json"));
  if (existsSync(MODULE)) copyFileSync(MODULE, join(top, "app/pepr-porpoise.js"));
  const layer = await packLayer(top, join(dir, "top.tar"));
  const base = baseLayers(options.base);
  const config = { ...RUNTIME, name: IMAGES.porpoise(version()) };
  const layers = options.thin ? { ship: [layer], present: base } : { ship: [...base, layer] };
  return { layout: await writeImage(join(dir, "oci"), config, layers), missing };
}

/** The layers of a base image; it was built under another name than it has now. */
function baseLayers(dir: string): Layer[] {
  const layers = JSON.parse(readFileSync(join(dir, "layers.json"), "utf8")) as Layer[];
  return layers.map((layer) => ({ ...layer, file: join(dir, basename(layer.file)) }));
}

/** Our version, which is also the image's tag. */
export const version = (): string =>
  (JSON.parse(readFileSync(join(CHECKOUT, "package.json"), "utf8")) as { version: string }).version;

/** Runs `npm run build` when a source of the module is newer than the last one. False when there is no module yet. */
export async function buildModule(): Promise<boolean> {
  if (!existsSync(join(CHECKOUT, "pepr.ts"))) return false;
  if (existsSync(MODULE) && statSync(MODULE).mtimeMs > newestSource()) return true;
  rmSync(MODULE, { force: true });
  // Checks the outputs, and writes dist/porpoise.yaml, which names this very bundle.
  const output = await run("npx", ["tsx", "scripts/build.ts"], { cwd: CHECKOUT, timeoutMs: 400_000 });
  if (!existsSync(MODULE)) throw new Error(`npm run build made no dist/pepr-porpoise.js:\n${output}`);
  return true;
}

function newestSource(): number {
  const files = [
    "pepr.ts",
    "kinds.ts",
    "runtime-patches.ts",
    "package.json",
    "api",
    "webhooks",
    "capabilities",
    "crds",
  ]
    .flatMap((path) => filesBelow(join(CHECKOUT, path)))
    .filter((file) => !file.endsWith(".test.ts"));
  return Math.max(...files.map((file) => statSync(file).mtimeMs));
}
