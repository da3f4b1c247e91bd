import { homedir } from "node:os";
import { join, resolve } from "node:path";

/**
 * Where the sandbox lives: addresses, names and directories. Everything else derives from these.
 *
 * A node is a network namespace on one bridge; all nodes share the kernel and the file system, so every
 * path of a node carries its name.
 */

/** One Kubernetes node: its name in the API, its network namespace and the host's end of its cable. */
export interface Node {
  readonly name: string;
  readonly netns: string;
  readonly link: string;
  readonly ip: string;
  readonly podCidr: string;
  readonly zone: string;
}

const node = (index: number): Node => ({
  name: `node${index}`,
  netns: `pp-node${index}`,
  link: `v-node${index}`,
  ip: `10.99.0.${10 + index}`,
  podCidr: `10.244.${index}.0/24`,
  zone: `zone-${index}`,
});

export const NODES: readonly Node[] = [node(1), node(2), node(3)];

/** The control plane's namespace: etcd, API server, controllers, DNS, and the tests' client processes. */
export const CONTROL_PLANE = { netns: "pp-cp", link: "v-cp", ip: "10.99.0.1" } as const;

export const NETWORK = {
  bridge: "pp0",
  host: "10.99.0.254",
  prefix: 24,
  pods: "10.244.0.0/16",
  services: "10.96.0.0/16",
  apiService: "10.96.0.1",
  dns: "10.96.0.10",
  domain: "cluster.local",
} as const;

export const API_SERVER = `https://${CONTROL_PLANE.ip}:6443`;

/** The checkout whose sandbox this is. */
export const CHECKOUT = resolve(__dirname, "..");

/** All state of a running sandbox that must outlive a process; ignored by git, gone after `down`. */
export const stateDir = (checkout: string = CHECKOUT): string => join(checkout, ".sandbox");

/** Sockets and mounts: a socket's path may have 107 characters, so not below the checkout. */
export const RUN_DIR = "/run/porpoise";

/** Names the checkout that holds the machine's one sandbox. */
export const LOCK_FILE = "/run/porpoise-sandbox.json";

/** Held while some process brings a sandbox up or takes it down. */
export const TURN_FILE = "/run/porpoise-sandbox.turn";

/** What is expensive to make and the same for every checkout: binaries, image layers, the golden store. */
export const cacheDir = (): string => process.env.PORPOISE_CACHE ?? join(homedir(), ".cache", "porpoise");

/** Paths below the state directory. */
export const paths = (checkout: string = CHECKOUT) => {
  const state = stateDir(checkout);
  return {
    state,
    kubeconfig: join(state, "kubeconfig"),
    bin: join(state, "bin"),
    pki: join(state, "pki"),
    logs: join(state, "logs"),
    pids: join(state, "pids"),
    etcd: join(state, "etcd"),
    config: join(state, "config"),
    node: (name: string) => join(state, "nodes", name),
  };
};

/** The containerd socket of a node. */
export const containerdSocket = (nodeName: string): string => join(RUN_DIR, nodeName, "containerd.sock");

/** Finds a node by its name in the API or by that of its namespace. @throws when there is none. */
export function nodeNamed(name: string): Node {
  const found = NODES.find((candidate) => candidate.name === name || candidate.netns === name);
  if (!found)
    throw new Error(`no node ${name} in the sandbox; it has ${NODES.map((n) => n.name).join(", ")}`);
  return found;
}

/** Names of the images that the sandbox makes. */
export const IMAGES = {
  pause: "localhost/porpoise/pause:1",
  busybox: "localhost/porpoise/busybox:1",
  mysql: "localhost/porpoise/mysql:9.7",
  base: "localhost/porpoise/base:1",
  porpoise: (version: string) => `localhost/porpoise/porpoise:${version}`,
} as const;
