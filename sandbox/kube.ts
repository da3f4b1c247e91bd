import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { paths } from "./config";
import { inNetns, run, type RunOptions } from "./run";

/** What tests and commands use to talk to the sandbox's cluster. */

const environment = () => ({ KUBECONFIG: paths().kubeconfig });

/** Runs kubectl as administrator and returns its output. @throws with kubectl's message. */
export function kubectl(args: readonly string[], options: RunOptions = {}): Promise<string> {
  return run(join(paths().bin, "kubectl"), args, { ...options, env: { ...environment(), ...options.env } });
}

/** As `kubectl`, with `-o json`, parsed. The caller names the shape. */
export async function kubectlJson<T>(args: readonly string[], options: RunOptions = {}): Promise<T> {
  return JSON.parse(await kubectl([...args, "-o", "json"], options)) as T;
}

/** Applies manifests given as objects or as YAML text. */
export function applyManifests(
  manifests: string | readonly object[],
  options: RunOptions = {},
): Promise<string> {
  const input =
    typeof manifests === "string"
      ? manifests
      : JSON.stringify({ apiVersion: "v1", kind: "List", items: manifests });
  return kubectl(["apply", "-f", "-"], { ...options, input });
}

/** A pod's name as tests write it: `name` in the namespace default, or `namespace/name`. */
export function podRef(pod: string): { namespace: string; name: string } {
  const [first = "", second] = pod.split("/");
  return second === undefined ? { namespace: "default", name: first } : { namespace: first, name: second };
}

/** The node on which a pod runs. @throws when the pod is unknown or not scheduled. */
export async function podNode(pod: string): Promise<string> {
  const { namespace, name } = podRef(pod);
  const node = await kubectl(["-n", namespace, "get", "pod", name, "-o", "jsonpath={.spec.nodeName}"]);
  if (node === "") throw new Error(`pod ${pod} is not scheduled yet`);
  return node;
}

/** The address of a pod. @throws when it has none yet. */
export async function podIp(pod: string): Promise<string> {
  const { namespace, name } = podRef(pod);
  const ip = await kubectl(["-n", namespace, "get", "pod", name, "-o", "jsonpath={.status.podIP}"]);
  if (ip === "") throw new Error(`pod ${pod} has no address yet`);
  return ip;
}

export interface NetnsOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Default "pipe" for all three. */
  readonly stdio?: "pipe" | "inherit";
}

/**
 * Starts a client process in a namespace, with KUBECONFIG set. In `pp-cp` it reaches Services by their address
 * and pods by theirs, as a process of a cluster would; DNS names need the server 10.96.0.10.
 */
export function inNamespace(
  netns: string,
  command: readonly string[],
  options: NetnsOptions = {},
): ChildProcess {
  const [program = "", ...args] = inNetns(netns, command);
  return spawn(program, args, {
    cwd: options.cwd,
    stdio: options.stdio ?? "pipe",
    env: { ...process.env, ...environment(), ...options.env },
  });
}

/** As `inNamespace`, to its end; returns the standard output. */
export function runInNamespace(
  netns: string,
  command: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const [program = "", ...args] = inNetns(netns, command);
  return run(program, args, { ...options, env: { ...environment(), ...options.env } });
}
