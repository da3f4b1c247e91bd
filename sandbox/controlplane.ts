import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { CONTROL_PLANE, NETWORK, NODES, paths } from "./config";
import { kubectl } from "./kube";
import { pki } from "./pki";
import { kubeProxyConfig } from "./render";
import { inNetns, put, run, startDaemon, until } from "./run";

/** etcd, the API server, its controllers and a kube-proxy, as plain processes in the namespace pp-cp. */

const bin = (name: string): string => join(paths().bin, name);
const start = (name: string, command: readonly string[]) =>
  startDaemon({ name, netns: CONTROL_PLANE.netns, command });

/** Starts etcd and the API server and waits until it is ready; returns the API server's pid. */
export async function startApiServer(): Promise<number> {
  mkdirSync(paths().etcd, { recursive: true, mode: 0o700 });
  // No fsync: a sandbox's cluster need not survive a power cut, and etcd would slow everything else.
  start("etcd", [bin("etcd"), "--data-dir", paths().etcd, "--unsafe-no-fsync", "--log-level=warn"]);
  const server = start("kube-apiserver", apiServerCommand());
  const ready = inNetns(CONTROL_PLANE.netns, [bin("kubectl"), ...readyz]);
  await until("API server ready", 90_000, async () => {
    if (server.exitCode !== null) throw new Error(`kube-apiserver ended with ${server.exitCode}`);
    await run(ready[0] ?? "", ready.slice(1), { timeoutMs: 5_000 });
    return true;
  });
  return server.pid ?? 0;
}

const readyz = ["--kubeconfig", paths().kubeconfig, "get", "--raw", "/readyz"];

function apiServerCommand(): string[] {
  return [
    bin("kube-apiserver"),
    `--advertise-address=${CONTROL_PLANE.ip}`,
    "--secure-port=6443",
    "--etcd-servers=http://127.0.0.1:2379",
    `--service-cluster-ip-range=${NETWORK.services}`,
    `--client-ca-file=${pki.cert("ca")}`,
    `--tls-cert-file=${pki.cert("apiserver")}`,
    `--tls-private-key-file=${pki.key("apiserver")}`,
    `--kubelet-client-certificate=${pki.cert("apiserver-kubelet")}`,
    `--kubelet-client-key=${pki.key("apiserver-kubelet")}`,
    "--kubelet-preferred-address-types=InternalIP",
    "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
    `--service-account-key-file=${pki.cert("service-account")}`,
    `--service-account-signing-key-file=${pki.key("service-account")}`,
    "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=NodeRestriction",
    "--allow-privileged=true",
    "--profiling=false",
  ];
}

/** Starts the controllers, the scheduler, and the kube-proxy by which webhooks and test clients reach Services. */
export function startControllers(): void {
  start("kube-controller-manager", [
    bin("kube-controller-manager"),
    `--kubeconfig=${pki.kubeconfig("controller-manager")}`,
    `--root-ca-file=${pki.cert("ca")}`,
    `--service-account-private-key-file=${pki.key("service-account")}`,
    `--cluster-signing-cert-file=${pki.cert("ca")}`,
    `--cluster-signing-key-file=${pki.key("ca")}`,
    "--use-service-account-credentials=true",
    "--leader-elect=false",
    "--node-monitor-grace-period=20s",
    "--kube-api-qps=300",
    "--kube-api-burst=600",
  ]);
  start("kube-scheduler", [
    bin("kube-scheduler"),
    `--kubeconfig=${pki.kubeconfig("scheduler")}`,
    "--leader-elect=false",
    "--kube-api-qps=300",
    "--kube-api-burst=600",
  ]);
  // It borrows a node's name: without an existing Node it waits 30 s, and the first webhook call hangs.
  startKubeProxy(CONTROL_PLANE.netns, NODES[0]?.name ?? "");
}

/** Starts kube-proxy in a namespace; PORPOISE_KUBE_PROXY_SYNC=1s gives production's sync period. */
export function startKubeProxy(netns: string, hostname: string): void {
  const config = join(paths().config, `kube-proxy-${netns}.json`);
  const minSync = process.env.PORPOISE_KUBE_PROXY_SYNC ?? "0s";
  put(config, kubeProxyConfig({ hostname, kubeconfig: pki.kubeconfig("kube-proxy"), minSync }));
  startDaemon({
    name: `kube-proxy-${netns}`,
    netns,
    command: [bin("kube-proxy"), `--config=${config}`],
  });
}

/** True when the API server answers that it is ready. */
export async function apiReady(): Promise<boolean> {
  return kubectl(["get", "--raw", "/readyz"], { timeoutMs: 5_000 }).then(
    (answer) => answer.trim() === "ok",
    () => false,
  );
}
