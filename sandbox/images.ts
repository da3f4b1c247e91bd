import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { baseKey, buildBase } from "../images/base";
import { buildPorpoise } from "../images/porpoise";
import { buildEngine } from "../images/engine";
import { writeTar } from "../images/pack";
import { buildBusybox, buildPause } from "../images/small";
import { cacheDir, CHECKOUT, containerdSocket, NODES, paths } from "./config";
import { exclusively } from "./lock";
import { heartbeat, say, step } from "./log";
import { buildGolden } from "./store";
import { Refusal, run } from "./run";

/** Which images the nodes get, and how: a golden store for what seldom changes, an import for our own. */

interface Recipe {
  readonly name: string;
  readonly key: string;
  readonly build: (dir: string) => Promise<string>;
}

const hashOf = (...files: string[]): string => {
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(join(CHECKOUT, "images", file)));
  return hash.digest("hex").slice(0, 12);
};

const recipes = (): Recipe[] => [
  { name: "pause", key: hashOf("pause.c", "small.ts"), build: buildPause },
  { name: "busybox", key: hashOf("small.ts"), build: buildBusybox },
  { name: "mysql", key: hashOf("engine.ts", "debian.ts"), build: buildEngine },
  { name: "base", key: baseKey(), build: buildBase },
];

const dirOf = (recipe: Recipe): string => join(cacheDir(), "images", `${recipe.name}-${recipe.key}`);

function goldenDir(): string {
  const all = recipes().map((recipe) => `${recipe.name}-${recipe.key}`);
  return join(cacheDir(), "golden", createHash("sha256").update(all.join()).digest("hex").slice(0, 12));
}

/** Builds the images and the golden store where they are missing; returns the store. A minute or two at first. */
export async function buildImages(): Promise<string> {
  const golden = goldenDir();
  if (existsSync(golden)) return golden;
  return exclusively(join(cacheDir(), "images.lock"), async () => {
    for (const recipe of recipes()) await buildImage(recipe);
    const layouts = recipes().map((recipe) => join(dirOf(recipe), "oci"));
    if (!existsSync(golden)) await step("golden image store", () => buildGolden(golden, layouts));
    forgetOld();
    return golden;
  });
}

async function buildImage(recipe: Recipe): Promise<void> {
  const dir = dirOf(recipe);
  if (existsSync(dir)) return;
  const staging = `${dir}.tmp`;
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true });
  const stop = heartbeat(`image ${recipe.name}`);
  try {
    await step(`image ${recipe.name}`, () => recipe.build(staging));
  } finally {
    stop();
  }
  renameSync(staging, dir);
}

/** Former images and stores are a gigabyte each and made again in a minute; some stay for other checkouts. */
const KEPT_FORMER = { images: 4, golden: 2 } as const;

function forgetOld(): void {
  const current = new Set([goldenDir(), ...recipes().map(dirOf)]);
  for (const kind of ["images", "golden"] as const) {
    const dir = join(cacheDir(), kind);
    const former = readdirSync(dir)
      .map((name) => join(dir, name))
      .filter((path) => !current.has(path) && !path.endsWith(".tmp"))
      .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
    for (const path of former.slice(KEPT_FORMER[kind])) rmSync(path, { recursive: true, force: true });
  }
}

/** Builds our image from this checkout and imports it into every node; as a rule only the bundles travel. */
export async function loadPorpoise(): Promise<void> {
  const dir = join(paths().state, "image");
  const file = join(dir, "image.tar");
  await step("image porpoise", () => packPorpoise(dir, { file, thin: true }));
  try {
    await loadTar(file);
  } catch {
    say("the nodes have another base image than this checkout: loading ours whole");
    await packPorpoise(dir, { file, thin: false });
    await loadTar(file);
  }
  rmSync(file);
}

/** Writes our image with all its layers to a file, for a registry or another cluster. */
export async function savePorpoise(file: string): Promise<void> {
  const dir = join(paths().state, "image-full");
  await packPorpoise(dir, { file, thin: false });
  rmSync(dir, { recursive: true, force: true });
}

async function packPorpoise(dir: string, options: { file: string; thin: boolean }): Promise<void> {
  await buildImages();
  const base = recipes().find((recipe) => recipe.name === "base");
  if (!base) throw new Error("no recipe for the base image");
  const built = await buildPorpoise(dir, { base: dirOf(base), thin: options.thin });
  for (const source of built.missing) say(`  not in the image, since it does not exist yet: ${source}`);
  await writeTar(built.layout, options.file);
}

/** Imports an OCI tar into every node's containerd. @throws Refusal when there is no such file. */
export async function loadTar(file: string): Promise<void> {
  if (!existsSync(file)) throw new Refusal(`There is no image file ${file}.`);
  await step(`loaded into ${NODES.length} nodes`, () =>
    Promise.all(
      NODES.map((node) =>
        run("ctr", ["-a", containerdSocket(node.name), "-n", "k8s.io", "images", "import", file], {
          timeoutMs: 300_000,
        }),
      ),
    ),
  );
}
