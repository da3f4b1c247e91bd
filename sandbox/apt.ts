import { existsSync } from "node:fs";
import { step } from "./log";
import { Refusal, run, trySync } from "./run";

/** A program or file that the sandbox needs and the Debian package that brings it. */
interface Requirement {
  readonly file: string;
  readonly package: string;
}

const REQUIREMENTS: readonly Requirement[] = [
  { file: "/usr/bin/containerd", package: "containerd" },
  { file: "/usr/sbin/runc", package: "runc" },
  { file: "/usr/lib/cni/bridge", package: "containernetworking-plugins" },
  { file: "/usr/sbin/iptables", package: "iptables" },
  { file: "/usr/sbin/conntrack", package: "conntrack" },
  { file: "/usr/sbin/ip", package: "iproute2" },
  { file: "/usr/bin/mmdebstrap", package: "mmdebstrap" },
  { file: "/usr/bin/gcc", package: "gcc" },
  { file: "/usr/lib/x86_64-linux-gnu/libc.a", package: "libc6-dev" },
  { file: "/usr/bin/nsenter", package: "util-linux" },
  { file: "/bin/busybox", package: "busybox-static" },
  { file: "/usr/bin/socat", package: "socat" },
  { file: "/usr/sbin/mkfs.ext4", package: "e2fsprogs" },
  { file: "/usr/bin/openssl", package: "openssl" },
];

/** The packages to install, given which files exist. */
export const missingPackages = (exists: (file: string) => boolean): string[] =>
  REQUIREMENTS.filter((needed) => !exists(needed.file)).map((needed) => needed.package);

/** @throws Refusal when this process may not make network namespaces and mounts. */
export function requirePrivileges(): void {
  const capable = process.getuid?.() === 0 && trySync("unshare", ["--net", "--mount", "true"]) !== undefined;
  if (!capable) {
    throw new Refusal(
      "The sandbox makes network namespaces, mounts and cgroups: run it as root with CAP_SYS_ADMIN and CAP_NET_ADMIN.",
    );
  }
}

/** Installs the Debian packages that are missing. @throws Refusal in one sentence when that cannot be done. */
export async function requirePackages(): Promise<void> {
  const missing = missingPackages(existsSync);
  if (missing.length === 0) return;
  const list = missing.join(" ");
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) {
    throw new Refusal(`Missing on this machine: ${list}; install them (Debian: apt-get install ${list}).`);
  }
  await step(`installed ${list}`, async () => {
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    await run("apt-get", ["update", "-q"], { env, timeoutMs: 300_000 });
    const install = ["install", "-qy", "--no-install-recommends", ...missing];
    await run("apt-get", install, { env, timeoutMs: 900_000 });
    stopSystemContainerd();
  });
}

/** Ours run with own roots and sockets; the package's own service would only burn memory beside them. */
function stopSystemContainerd(): void {
  if (existsSync("/run/systemd/system")) trySync("systemctl", ["disable", "--now", "containerd.service"]);
}
