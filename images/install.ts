import { chmodSync, copyFileSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";

/**
 * The init container of a MySQL pod: brings Node.js and our two bundles into a volume which the engine's container
 * mounts, since that image is its maker's. Each file appears whole or not at all: an older agent may be running.
 */
const FILES = ["node", "supervisor.js", "agent.js"];

/** Copies the files from beside this script into `target`, node first: nothing starts before it is there. */
export function install(source: string, target: string): void {
  mkdirSync(target, { recursive: true });
  for (const file of FILES) {
    const temporary = join(target, `.${file}.${process.pid}`);
    copyFileSync(join(source, file), temporary);
    chmodSync(temporary, 0o755);
    renameSync(temporary, join(target, file));
  }
}

if (require.main === module) {
  const target = process.argv[2];
  if (target === undefined) {
    console.error("usage: node install.js <target directory>");
    process.exit(2);
  }
  install(__dirname, target);
}
