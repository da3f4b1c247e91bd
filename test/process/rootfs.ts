/**
 * A MySQL 9.7 to test with, outside any container: Debian's package unpacked into the cache, run through its own
 * dynamic loader, so that the machine's libraries do not matter.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

export const CACHE = process.env["PORPOISE_CACHE"] ?? join(homedir(), ".cache", "porpoise");
const ROOTFS = join(CACHE, "mysqld-rootfs");

export interface Installation {
  /** Starts mysqld with this machine's kernel and the package's libraries; the process is mysqld itself. */
  readonly command: string;
  /** Options that name the package's own files. */
  readonly config: Readonly<Record<string, string>>;
}

/** Finds the unpacked package or makes it (10 s, needs root, mmdebstrap and Debian's archive). */
export function installation(): Installation {
  if (!existsSync(join(ROOTFS, "usr/sbin/mysqld"))) unpack();
  const command = join(mkdtempSync(join(tmpdir(), "mysqld-")), "mysqld");
  const libraries = ["usr/lib/x86_64-linux-gnu", "usr/lib/mysql/private"].map((path) => join(ROOTFS, path));
  const loader = join(ROOTFS, "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2");
  const line = `exec ${loader} --library-path ${libraries.join(":")} ${ROOTFS}/usr/sbin/mysqld "$@"`;
  writeFileSync(command, `#!/bin/sh\n${line}\n`);
  chmodSync(command, 0o755);
  return {
    command,
    config: {
      basedir: join(ROOTFS, "usr"),
      lc_messages_dir: join(ROOTFS, "usr/share/mysql"),
      character_sets_dir: join(ROOTFS, "usr/share/mysql/charsets"),
      plugin_dir: join(ROOTFS, "usr/lib/mysql/plugin"),
    },
  };
}

function unpack(): void {
  mkdirSync(CACHE, { recursive: true });
  const partial = mkdtempSync(join(CACHE, "mysqld-rootfs."));
  const options = ["--variant=extract", '--aptopt=Acquire::Check-Valid-Until "false"'];
  execFileSync("mmdebstrap", [...options, "--include=mysql-server-core", "sid", partial], {
    stdio: "inherit",
  });
  rmSync(ROOTFS, { recursive: true, force: true });
  renameSync(partial, ROOTFS);
}
