import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createCgroup } from "./cgroups";
import { containerdSocket, IMAGES, type Node, paths, RUN_DIR } from "./config";
import { startKubeProxy } from "./controlplane";
import { pki } from "./pki";
import { cniConfig, containerdConfig, kubeletConfig } from "./render";
import { put, run, startDaemon, until } from "./run";

/** One node: a containerd with its own root, a kubelet, a kube-proxy, all inside the node's namespace. */

/** Copies the golden image store into the node by hard links; only the databases become own files. */
export async function copyStore(golden: string, node: Node): Promise<void> {
  const root = join(paths().node(node.name), "containerd");
  mkdirSync(root, { recursive: true });
  const from = `${golden}/.`;
  // Another file system allows no hard links; then the copy costs time and 1 GB.
  await run("cp", ["-al", from, root]).catch(() => run("cp", ["-a", from, root], { timeoutMs: 300_000 }));
  for (const file of databases(root)) {
    const source = join(golden, file);
    await run("cp", ["--remove-destination", "-a", source, join(root, file)]);
  }
}

/** The databases below a containerd root, relative to it: the only files that containerd changes in place. */
function databases(root: string): string[] {
  return readdirSync(root).flatMap((plugin) =>
    readdirSync(join(root, plugin))
      .filter((file) => file.endsWith(".db"))
      .map((file) => join(plugin, file)),
  );
}

/** Starts containerd; needs the node's namespace and store. */
export async function startContainerd(node: Node): Promise<void> {
  const dir = paths().node(node.name);
  const socket = containerdSocket(node.name);
  const cniConf = join(dir, "cni", "net.d");
  put(join(cniConf, "10-porpoise.conflist"), cniConfig(node, join(RUN_DIR, node.name, "cni")));
  const state = join(RUN_DIR, node.name, "containerd");
  mkdirSync(state, { recursive: true });
  const config = join(dir, "containerd.toml");
  const root = join(dir, "containerd");
  put(config, containerdConfig({ root, state, socket, cniConf, pauseImage: IMAGES.pause }));
  startDaemon({
    name: `containerd-${node.name}`,
    netns: node.netns,
    command: ["/usr/bin/containerd", "--config", config],
  });
  await until(`containerd of ${node.name}`, 30_000, () => existsSync(socket));
}

/** Starts kubelet and kube-proxy; needs the API server. */
export function startKubelet(node: Node): void {
  const dir = paths().node(node.name);
  createCgroup(node.netns);
  mkdirSync(join(dir, "volume-plugins"), { recursive: true });
  mkdirSync(join(dir, "volumes"), { recursive: true });
  const config = join(dir, "kubelet.json");
  put(config, kubeletConfig(node, { clientCa: pki.cert("ca"), socket: containerdSocket(node.name), dir }));
  startDaemon({
    name: `kubelet-${node.name}`,
    netns: node.netns,
    command: [
      join(paths().bin, "kubelet"),
      `--config=${config}`,
      `--kubeconfig=${pki.kubeconfig(node.name)}`,
      `--root-dir=${join(dir, "kubelet")}`,
      `--cert-dir=${join(dir, "kubelet-pki")}`,
      `--hostname-override=${node.name}`,
      `--node-ip=${node.ip}`,
      `--node-labels=topology.kubernetes.io/zone=${node.zone}`,
    ],
  });
  startKubeProxy(node.netns, node.name);
}
