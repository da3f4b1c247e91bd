import { chmodSync, copyFileSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { IMAGES } from "../sandbox/config";
import { run } from "../sandbox/run";
import { packLayer, writeImage } from "./pack";

/** The two images that Kubernetes itself needs: `pause`, and a shell for the volume provisioner's helper pods. */

/** Builds the pause image from one C file. */
export async function buildPause(dir: string): Promise<string> {
  const root = join(dir, "root");
  mkdirSync(root, { recursive: true });
  await run("gcc", ["-Os", "-static", "-s", "-o", join(root, "pause"), join(__dirname, "pause.c")]);
  const layer = await packLayer(root, join(dir, "layer.tar"));
  const config = { name: IMAGES.pause, entrypoint: ["/pause"], user: "65535:65535" };
  return writeImage(join(dir, "oci"), config, { ship: [layer] });
}

/** Builds an image of Debian's static busybox with all its commands as links. */
export async function buildBusybox(dir: string): Promise<string> {
  const root = join(dir, "root");
  mkdirSync(join(root, "bin"), { recursive: true });
  mkdirSync(join(root, "tmp"), { recursive: true });
  chmodSync(join(root, "tmp"), 0o1777);
  copyFileSync("/bin/busybox", join(root, "bin/busybox"));
  for (const command of (await run("/bin/busybox", ["--list"])).trim().split("\n")) {
    if (command !== "busybox") symlinkSync("busybox", join(root, "bin", command));
  }
  const layer = await packLayer(root, join(dir, "layer.tar"));
  const config = { name: IMAGES.busybox, env: ["PATH=/bin"], cmd: ["sh"] };
  return writeImage(join(dir, "oci"), config, { ship: [layer] });
}
