import { createHash } from "node:crypto";
import {
  createReadStream,
  existsSync,
  mkdirSync,
  linkSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { run } from "../sandbox/run";

/**
 * Packs directories as an OCI image without a container engine. A layer is a plain tar: not compressed, since it
 * only goes to the next directory, and with fixed times and order, so that the same files give the same digest.
 */

/** A layer on disk, or one that the receiver is known to have already. */
export interface Layer {
  readonly digest: string;
  readonly size: number;
  readonly file: string;
}

export interface ImageConfig {
  readonly name: string;
  readonly env?: readonly string[];
  readonly user?: string;
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly workingDir?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

const MEDIA = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
} as const;

/** A file named by its content. */
interface Blob {
  readonly digest: string;
  readonly size: number;
  readonly content: string;
}

/** Hash and size of a text as a blob. */
export function blob(content: string): Blob {
  const digest = `sha256:${createHash("sha256").update(content).digest("hex")}`;
  return { digest, size: Buffer.byteLength(content), content };
}

/** The three documents of an image: configuration, manifest, index. Pure; layers go in the order given. */
export function describeImage(config: ImageConfig, layers: readonly Pick<Layer, "digest" | "size">[]) {
  const image = blob(
    JSON.stringify({
      architecture: "amd64",
      os: "linux",
      created: "1970-01-01T00:00:00Z",
      config: {
        User: config.user,
        Env: config.env,
        Entrypoint: config.entrypoint,
        Cmd: config.cmd,
        WorkingDir: config.workingDir,
        Labels: config.labels,
      },
      rootfs: { type: "layers", diff_ids: layers.map((layer) => layer.digest) },
    }),
  );
  const manifest = blob(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA.manifest,
      config: { mediaType: MEDIA.config, digest: image.digest, size: image.size },
      layers: layers.map(({ digest, size }) => ({ mediaType: MEDIA.layer, digest, size })),
    }),
  );
  const annotations = {
    "io.containerd.image.name": config.name,
    "org.opencontainers.image.ref.name": config.name.slice(config.name.lastIndexOf(":") + 1),
  };
  const index = JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA.index,
    manifests: [{ mediaType: MEDIA.manifest, digest: manifest.digest, size: manifest.size, annotations }],
  });
  return { image, manifest, index };
}

/** Packs a directory as a layer file; makes it only when the file is not there. */
export async function packLayer(dir: string, file: string): Promise<Layer> {
  if (!existsSync(`${file}.json`)) {
    mkdirSync(dirname(file), { recursive: true });
    const temporary = `${file}.tmp`;
    const reproducible = ["--sort=name", "--mtime=@0", "--numeric-owner", "--format=posix"];
    const noTimes = "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime";
    await run("tar", [...reproducible, noTimes, "-C", dir, "-cf", temporary, "."], { timeoutMs: 600_000 });
    const hash = createHash("sha256");
    let size = 0;
    await pipeline(createReadStream(temporary), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        size += chunk.length;
        hash.update(chunk);
      }
    });
    renameSync(temporary, file);
    writeFileSync(`${file}.json`, JSON.stringify({ digest: `sha256:${hash.digest("hex")}`, size }));
  }
  return { ...(JSON.parse(readFileSync(`${file}.json`, "utf8")) as { digest: string; size: number }), file };
}

/**
 * Writes an OCI layout directory; the layers are hard links. `present` are layers that every receiver has, as
 * those of the golden store: they are described but not shipped, which makes a small change quick to load.
 */
export async function writeImage(
  dir: string,
  config: ImageConfig,
  layers: { readonly ship: readonly Layer[]; readonly present?: readonly Layer[] },
): Promise<string> {
  const all = [...(layers.present ?? []), ...layers.ship];
  const { image, manifest, index } = describeImage(config, all);
  const blobs = join(dir, "blobs", "sha256");
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(blobs, { recursive: true });
  const place = (digest: string) => join(blobs, digest.replace("sha256:", ""));
  for (const layer of layers.ship) {
    if (!existsSync(place(layer.digest))) await linkOrCopy(layer.file, place(layer.digest));
  }
  for (const { digest, content } of [image, manifest]) writeFileSync(place(digest), content);
  writeFileSync(join(dir, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  writeFileSync(join(dir, "index.json"), index);
  return dir;
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    linkSync(from, to);
  } catch {
    await run("cp", [from, to], { timeoutMs: 300_000 }); // Another file system.
  }
}

/** The layout as one tar, as `ctr images import` wants it. */
export async function writeTar(layout: string, file: string): Promise<string> {
  await run("tar", ["-C", layout, "-cf", file, "."], { timeoutMs: 600_000 });
  return file;
}
