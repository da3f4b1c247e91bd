import { NETWORK, type Node } from "./config";

/** The configuration files of the cluster's processes, as pure text; their tests hold them still. */

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** containerd 1.6 on a machine where the kernel is shared and some capabilities are missing. */
export function containerdConfig(where: {
  root: string;
  state: string;
  socket: string;
  cniConf: string;
  pauseImage: string;
}): string {
  return `version = 2
root = "${where.root}"
state = "${where.state}"
oom_score = 0
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.tracing.processor.v1.otlp", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]

[grpc]
  address = "${where.socket}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${where.pauseImage}"
  # No CAP_SYS_RESOURCE in many containers: a lower oom_score_adj than ours cannot be set.
  restrict_oom_score_adj = true
  disable_apparmor = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${where.cniConf}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
`;
}

/** The pods' network of one node: a bridge inside the node's namespace, addresses from its own subnet. */
export function cniConfig(node: Node, dataDir: string): string {
  return json({
    cniVersion: "0.4.0",
    name: "porpoise",
    plugins: [
      {
        type: "bridge",
        bridge: "cni0",
        isGateway: true,
        ipMasq: false,
        hairpinMode: true,
        ipam: {
          type: "host-local",
          dataDir,
          ranges: [[{ subnet: node.podCidr }]],
          routes: [{ dst: "0.0.0.0/0" }],
        },
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  });
}

/** kubelet in a namespace of a shared machine: own cgroup root, no claim on the machine as a whole. */
export function kubeletConfig(node: Node, where: { clientCa: string; socket: string; dir: string }): string {
  return json({
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true, cacheTTL: "2m0s" },
      x509: { clientCAFile: where.clientCa },
    },
    authorization: { mode: "Webhook" },
    address: "0.0.0.0",
    clusterDNS: [NETWORK.dns],
    clusterDomain: NETWORK.domain,
    containerRuntimeEndpoint: `unix://${where.socket}`,
    cgroupDriver: "cgroupfs",
    cgroupRoot: `/${node.netns}`,
    enforceNodeAllocatable: [],
    failSwapOn: false,
    failCgroupV1: false,
    makeIPTablesUtilChains: false,
    resolvConf: "",
    podLogsDir: `${where.dir}/pod-logs`,
    volumePluginDir: `${where.dir}/volume-plugins`,
    registerNode: true,
    serializeImagePulls: false,
    // Three nodes see one disk: its fill level is the machine's affair, and images are hard links anyway.
    imageGCHighThresholdPercent: 100,
    evictionHard: {
      "memory.available": "100Mi",
      "nodefs.available": "1%",
      "nodefs.inodesFree": "1%",
      "imagefs.available": "1%",
    },
  });
}

/**
 * kube-proxy. `minSync` "0s" applies each change at once; production's default is "1s", and then a second
 * change within a second waits for up to one.
 */
export function kubeProxyConfig(options: { hostname: string; kubeconfig: string; minSync: string }): string {
  return json({
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    clientConnection: { kubeconfig: options.kubeconfig },
    mode: "iptables",
    clusterCIDR: NETWORK.pods,
    hostnameOverride: options.hostname,
    healthzBindAddress: "0.0.0.0:10256",
    metricsBindAddress: "127.0.0.1:10249",
    iptables: { minSyncPeriod: options.minSync, syncPeriod: "30s" },
    // Zero leaves the machine's connection-tracking limits alone.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
  });
}

/** CoreDNS. A ttl of 1 s, since tests look at what happens within seconds. */
export function corefile(kubeconfig: string): string {
  return `.:53 {
    errors
    health :8080
    ready :8181
    cache 1
    kubernetes ${NETWORK.domain} in-addr.arpa ip6.arpa {
        kubeconfig ${kubeconfig}
        pods insecure
        ttl 1
    }
}
`;
}
