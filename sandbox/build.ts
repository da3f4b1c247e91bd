import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { cacheDir, paths } from "./config";
import { exclusively } from "./lock";
import { heartbeat, say, step } from "./log";
import { Refusal, run, trySync } from "./run";

/** Builds Kubernetes and its friends from their Go modules, once a machine: about 460 MB of binaries. */

interface Part {
  readonly name: string;
  /** Go package → binary. */
  readonly binaries: Readonly<Record<string, string>>;
  readonly ldflags?: readonly string[];
}

const KUBERNETES = "1.34.2";
const kubernetesVersion = (): string[] => {
  const [major, minor] = KUBERNETES.split(".");
  const values = {
    gitVersion: `v${KUBERNETES}`,
    gitMajor: major,
    gitMinor: minor,
    gitCommit: "8cc511e399b929453cd98ae65b419c3cc227ec79",
    gitTreeState: "clean",
    buildDate: "2025-11-11T00:00:00Z",
  };
  return Object.entries(values).flatMap(([key, value]) => [
    "-X",
    `k8s.io/component-base/version.${key}=${value}`,
  ]);
};

const kube = (name: string): [string, string] => [`k8s.io/kubernetes/cmd/${name}`, name];

/** Small ones first: a missing Go or network shows itself in seconds. */
const PARTS: readonly Part[] = [
  { name: "etcd", binaries: { "go.etcd.io/etcd/server/v3": "etcd" } },
  { name: "coredns", binaries: { "./": "coredns" } },
  { name: "local-path", binaries: { "github.com/rancher/local-path-provisioner": "local-path-provisioner" } },
  {
    name: "kubernetes",
    binaries: Object.fromEntries(
      ["apiserver", "controller-manager", "scheduler", "proxy"]
        .map((name) => kube(`kube-${name}`))
        .concat([kube("kubelet"), kube("kubectl")]),
    ),
    ldflags: kubernetesVersion(),
  },
];

const sources = (part: Part): string => join(__dirname, "go", part.name);

/** Names a part's binaries by all that goes into them. */
function keyOf(part: Part): string {
  const hash = createHash("sha256").update(JSON.stringify(part));
  for (const file of readdirSync(sources(part)).sort()) hash.update(readFileSync(join(sources(part), file)));
  return `${part.name}-${hash.digest("hex").slice(0, 12)}`;
}

const binDir = (part: Part): string => join(cacheDir(), "bin", keyOf(part));

/** The parts that are not in the cache yet. */
export const missingParts = (): string[] =>
  PARTS.filter((part) => !existsSync(binDir(part))).map((p) => p.name);

/** Builds what is missing. Minutes at first; nothing later. @throws Refusal without a usable Go. */
export async function buildBinaries(): Promise<void> {
  if (missingParts().length === 0) return;
  requireGo();
  await exclusively(join(cacheDir(), "build.lock"), async () => {
    const missing = PARTS.filter((part) => !existsSync(binDir(part)));
    if (missing.length === 0) return;
    say(`building from Go modules, once for this machine: ${missing.map((part) => part.name).join(", ")}`);
    const work = join(cacheDir(), "go-build");
    try {
      for (const part of missing) await step(`built ${part.name}`, () => buildPart(part, work));
    } finally {
      // Module and build cache: 10 GB that nobody needs again. Go makes its modules read-only.
      await run("chmod", ["-R", "u+w", work], { timeoutMs: 120_000 }).catch(() => undefined);
      rmSync(work, { recursive: true, force: true });
    }
  });
}

function requireGo(): void {
  const version = /go1\.(\d+)/.exec(trySync("go", ["version"]) ?? "");
  if (Number(version?.[1] ?? 0) >= 24) return;
  throw new Refusal("The sandbox builds Kubernetes from its Go modules: put go 1.24 or newer into the PATH.");
}

async function buildPart(part: Part, work: string): Promise<void> {
  const target = binDir(part);
  const staging = `${target}.tmp`;
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true });
  const stop = heartbeat(`building ${part.name}`, () => ` (${readdirSync(staging).length} binaries)`);
  const ldflags = ["-s", "-w", ...(part.ldflags ?? [])].join(" ");
  const env = {
    GOPATH: join(work, "path"),
    GOCACHE: join(work, "cache"),
    GOFLAGS: "-buildvcs=false",
    CGO_ENABLED: "0",
  };
  try {
    for (const [source, binary] of Object.entries(part.binaries)) {
      const args = ["go", "build", "-trimpath", "-ldflags", ldflags, "-o", join(staging, binary), source];
      await run("nice", ["-n", "5", ...args], { cwd: sources(part), env, timeoutMs: 3_600_000 });
    }
  } finally {
    stop();
  }
  renameSync(staging, target);
}

/** Links every binary into `.sandbox/bin`. */
export function linkBinaries(): void {
  const { bin } = paths();
  mkdirSync(bin, { recursive: true });
  for (const part of PARTS) {
    for (const binary of Object.values(part.binaries)) {
      rmSync(join(bin, binary), { force: true });
      symlinkSync(join(binDir(part), binary), join(bin, binary));
    }
  }
}
