import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeTar } from "../images/pack";
import { run, until } from "./run";

/**
 * The golden store: a containerd root into which every seldom-changing image was imported and unpacked once. A
 * node gets it by hard links in under a second, where an import would take minutes and a gigabyte.
 */
export async function buildGolden(target: string, layouts: readonly string[]): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), "porpoise-golden-"));
  const root = `${target}.tmp`;
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  const socket = join(work, "c.sock");
  const config = join(work, "config.toml");
  writeFileSync(config, goldenConfig(root, work, socket));
  const daemon = spawn("/usr/bin/containerd", ["--config", config], { stdio: "ignore" });
  const ended = new Promise<void>((done) => daemon.once("exit", () => done()));
  try {
    await until("containerd for the golden store", 20_000, () => existsSync(socket));
    for (const layout of layouts) {
      const tar = await writeTar(layout, join(work, "image.tar"));
      await run("ctr", ["-a", socket, "-n", "k8s.io", "images", "import", tar], { timeoutMs: 600_000 });
    }
  } finally {
    daemon.kill("SIGTERM");
    await ended;
    rmSync(work, { recursive: true, force: true });
  }
  renameSync(root, target);
}

/** Without the CRI plugin: it would look for a network and leave directories in the store. */
const goldenConfig = (root: string, work: string, socket: string): string => `version = 2
root = "${root}"
state = "${work}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
  address = "${socket}"
`;
