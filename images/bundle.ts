import { existsSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

/** Bundles what runs inside the MySQL pod: one file each, no node_modules beside it. */

const ROOT = join(__dirname, "..");

/** Source → bundle, relative to the checkout. */
export const ENTRIES = {
  "agent/main.ts": "dist/agent/agent.js",
  "agent/supervisor/main.ts": "dist/agent/supervisor.js",
  "images/install.ts": "dist/agent/install.js",
} as const;

/** Writes every bundle; returns the sources that do not exist. @throws on a bundle that does not build. */
export async function bundle(): Promise<string[]> {
  const missing: string[] = [];
  for (const [source, target] of Object.entries(ENTRIES)) {
    if (!existsSync(join(ROOT, source))) {
      missing.push(source);
      continue;
    }
    await bundleOne(ROOT, source, target);
  }
  return missing;
}

/** Bundles `source` of the checkout `root` into the file `target`. @throws on one that does not build. */
export async function bundleOne(root: string, source: string, target: string): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: [source],
    outfile: target,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "cjs",
    // No map: not minified, the bundle is readable as it is, and a map would stay in every agent's memory.
    keepNames: true,
    logLevel: "warning",
    legalComments: "none",
  });
}

if (require.main === module) {
  void bundle().then((missing) => {
    for (const source of missing) console.error(`not there yet: ${source}`);
    process.exitCode = missing.length > 0 ? 1 : 0;
  });
}
