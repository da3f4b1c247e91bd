import { chownSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { IMAGES } from "../sandbox/config";
import { DOCUMENTATION, extractDebian } from "./debian";
import { packLayer, writeImage } from "./pack";

const MYSQL_ID = 999;

/**
 * The engine image: MySQL 9.7 LTS as Debian sid packages it. Sid keeps no old versions, so the packages cannot be
 * pinned; what went in is recorded in /usr/share/porpoise/packages.txt of the image.
 */
export const ENGINE = {
  suite: "sid",
  packages: [
    "mysql-server-core",
    "mysql-client-core",
    "mysql-server",
    "mysql-client",
    "base-files",
    "bash",
    "ca-certificates",
    "coreutils",
    "dash",
    "findutils",
    "grep",
    "hostname",
    "libc-bin",
    "mawk",
    "procps",
    "sed",
    "tzdata",
    "util-linux",
  ],
  prune: [
    ...DOCUMENTATION,
    "usr/share/perl",
    "usr/share/perl5",
    "usr/lib/x86_64-linux-gnu/perl",
    "etc/mysql",
  ],
  users: [{ name: "mysql", id: MYSQL_ID }],
} as const;

const SERIES = "9.7.";

/** Without any of these the agent cannot do its work, so the image is not made. */
const REQUIRED = [
  "usr/sbin/mysqld",
  "usr/bin/mysql",
  "usr/bin/mysqlbinlog",
  "usr/lib/mysql/plugin/semisync_source.so",
  "usr/lib/mysql/plugin/semisync_replica.so",
  "usr/lib/mysql/plugin/mysql_clone.so",
  "usr/lib/mysql/plugin/group_replication.so",
];

/** Builds the engine image in `dir` and returns its OCI layout. Takes about a minute and the network. */
export async function buildEngine(dir: string): Promise<string> {
  const root = join(dir, "root");
  const versions = await extractDebian(root, ENGINE);
  const missing = REQUIRED.filter((file) => !existsSync(join(root, file)));
  if (missing.length > 0) throw new Error(`the engine image lacks ${missing.join(", ")}`);
  const version = mysqlVersion(versions);
  if (!version.startsWith(SERIES)) throw new Error(`Debian now has MySQL ${version}; wanted ${SERIES}x`);
  mkdirSync(join(root, "porpoise"), { recursive: true });
  for (const place of ["run/mysqld", "var/lib/mysql", "var/lib/mysql-files"]) own(join(root, place));
  const layer = await packLayer(root, join(dir, "layer.tar"));
  rmSync(root, { recursive: true, force: true });
  const config = {
    name: IMAGES.mysql,
    user: "999:999",
    env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"],
    cmd: ["mysqld"],
    labels: { "porpoise.dev/mysql-version": version },
  };
  return writeImage(join(dir, "oci"), config, { ship: [layer] });
}

/** What the package's maintainer script would make; mysqld refuses to start without its secure_file_priv. */
function own(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o750 });
  chownSync(dir, MYSQL_ID, MYSQL_ID);
}

/** `9.7.4` out of `mysql-server-core 9.7.4-2`. @throws when the package is not in the list. */
export function mysqlVersion(versions: readonly string[]): string {
  const entry = versions.find((line) => line.startsWith("mysql-server-core "));
  const version = /^mysql-server-core (?:\d+:)?(\d+\.\d+\.\d+)/.exec(entry ?? "")?.[1];
  if (version === undefined) throw new Error("no mysql-server-core among the extracted packages");
  return version;
}
