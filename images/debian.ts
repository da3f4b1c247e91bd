import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { run } from "../sandbox/run";

/** Root file systems from Debian packages, without running a maintainer's script. */

export interface Debian {
  readonly suite: "sid" | "bookworm";
  readonly packages: readonly string[];
  /** Paths to take out again, relative to the root. */
  readonly prune: readonly string[];
  readonly users: readonly { readonly name: string; readonly id: number }[];
}

/** What no container of ours reads. */
export const DOCUMENTATION = [
  "usr/share/doc",
  "usr/share/man",
  "usr/share/info",
  "usr/share/locale",
  "usr/share/lintian",
  "usr/share/bash-completion",
  "usr/share/zsh",
  "usr/share/bug",
  "usr/share/gcc",
  "usr/share/gdb",
  "usr/lib/systemd",
  "usr/lib/udev",
  "var/cache",
  "var/log",
];

/** Extracts packages with all they depend on; returns `name version` of each. Takes the network and a minute. */
export async function extractDebian(dir: string, debian: Debian): Promise<string[]> {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dirname(dir), { recursive: true });
  const list = `${dir}.packages`;
  await run(
    "nice",
    [
      "mmdebstrap",
      "--quiet",
      "--variant=extract",
      // A frozen mirror's Release file is older than its validity.
      `--aptopt=Acquire::Check-Valid-Until "false"`,
      `--extract-hook=ls "$1/var/cache/apt/archives" > ${list}`,
      `--include=${debian.packages.join(",")}`,
      debian.suite,
      dir,
    ],
    { timeoutMs: 1_200_000 },
  );
  const versions = parsePackages(readFileSync(list, "utf8"));
  for (const path of debian.prune) rmSync(join(dir, path), { recursive: true, force: true });
  linkUsr(dir);
  writeUsers(dir, debian.users);
  bundleCertificates(dir);
  const record = join(dir, "usr/share/porpoise/packages.txt");
  mkdirSync(dirname(record), { recursive: true });
  writeFileSync(record, `${versions.join("\n")}\n`);
  return versions;
}

/** `name version` from package file names such as `libc6_2.36-9_amd64.deb`; `%3a` is the colon of an epoch. */
export function parsePackages(listing: string): string[] {
  return listing
    .split("\n")
    .filter((file) => file.endsWith(".deb"))
    .map((file) => file.split("_"))
    .map(([name = "", version = ""]) => `${name} ${version.replaceAll("%3a", ":")}`)
    .sort();
}

/** `extract` leaves out the links of a merged /usr, without which no program finds its loader. */
function linkUsr(dir: string): void {
  for (const name of ["bin", "sbin", "lib", "lib64"]) {
    const path = join(dir, name);
    const target = join("usr", name);
    mkdirSync(join(dir, target), { recursive: true });
    if (!exists(path)) symlinkSync(target, path);
  }
  if (!existsSync(join(dir, "lib64/ld-linux-x86-64.so.2"))) throw new Error(`${dir}: no loader in lib64`);
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function writeUsers(dir: string, users: Debian["users"]): void {
  const all = [{ name: "root", id: 0 }, ...users, { name: "nobody", id: 65534 }];
  const passwd = all.map(({ name, id }) => `${name}:x:${id}:${id}:${name}:/:/usr/sbin/nologin\n`).join("");
  writeFileSync(join(dir, "etc/passwd"), passwd);
  writeFileSync(join(dir, "etc/group"), all.map(({ name, id }) => `${name}:x:${id}:\n`).join(""));
}

/** What ca-certificates' maintainer script would do. */
function bundleCertificates(dir: string): void {
  const from = join(dir, "usr/share/ca-certificates/mozilla");
  if (!existsSync(from)) return;
  const bundle = readdirSync(from).map((file) => readFileSync(join(from, file), "utf8"));
  mkdirSync(join(dir, "etc/ssl/certs"), { recursive: true });
  writeFileSync(join(dir, "etc/ssl/certs/ca-certificates.crt"), bundle.join(""));
}
