import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { CONTROL_PLANE, IMAGES, NETWORK, NODES, paths } from "./config";
import { applyManifests } from "./kube";
import { pki } from "./pki";
import { corefile } from "./render";
import { put, run, startDaemon, until } from "./run";

/** DNS and volumes: CoreDNS and local-path-provisioner as processes beside the API server. */

const STORAGE_NAMESPACE = "local-path-storage";
const PROVISIONER = "rancher.io/local-path";
/** Size of each node's file system for the class `limited`; sparse, so it costs only what is written. */
const LIMITED_SIZE = "4G";

/** Starts CoreDNS and gives it its Service, whose endpoint is the control plane's address. */
export async function startDns(): Promise<void> {
  const config = join(paths().config, "Corefile");
  put(config, corefile(pki.kubeconfig("addons")));
  startDaemon({
    name: "coredns",
    netns: CONTROL_PLANE.netns,
    command: [join(paths().bin, "coredns"), "-conf", config],
  });
  await applyManifests(dnsManifests());
}

function dnsManifests(): object[] {
  const ports = [
    { name: "dns", port: 53, protocol: "UDP" },
    { name: "dns-tcp", port: 53, protocol: "TCP" },
  ];
  const metadata = { name: "kube-dns", namespace: "kube-system" };
  return [
    { apiVersion: "v1", kind: "Service", metadata, spec: { clusterIP: NETWORK.dns, ports } },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { ...metadata, labels: { "kubernetes.io/service-name": "kube-dns" } },
      addressType: "IPv4",
      ports,
      endpoints: [{ addresses: [CONTROL_PLANE.ip], conditions: { ready: true } }],
    },
  ];
}

/**
 * Starts the provisioner. Class `standard` (default) keeps volumes in the node's directory on the machine's disk,
 * without a limit of size; class `limited` on a small file system of the node, which a test may fill.
 */
export async function startStorage(): Promise<void> {
  for (const node of NODES) await mountLimited(node.name);
  const config = join(paths().config, "local-path.json");
  const helper = join(paths().config, "local-path-helper.json");
  put(config, JSON.stringify(storageConfig()));
  put(helper, JSON.stringify(helperPod()));
  await applyManifests(storageManifests());
  startDaemon({
    name: "local-path-provisioner",
    netns: CONTROL_PLANE.netns,
    command: [
      join(paths().bin, "local-path-provisioner"),
      "start",
      `--config=${config}`,
      `--namespace=${STORAGE_NAMESPACE}`,
      `--helper-image=${IMAGES.busybox}`,
      `--helper-pod-file=${helper}`,
      `--kubeconfig=${pki.kubeconfig("addons")}`,
      "--service-account-name=default",
    ],
  });
  await until("DNS", 20_000, async () => {
    await run("nsenter", [
      `--net=/run/netns/${CONTROL_PLANE.netns}`,
      "--",
      "busybox",
      "nslookup",
      ...dnsQuery,
    ]);
    return true;
  });
}

const dnsQuery = [`kubernetes.default.svc.${NETWORK.domain}`, CONTROL_PLANE.ip];

/** A loop-mounted file system of its own: a full one then harms no one else on the machine. */
async function mountLimited(node: string): Promise<void> {
  const dir = paths().node(node);
  const image = join(dir, "limited.ext4");
  const mount = join(dir, "limited");
  if (existsSync(image)) return;
  mkdirSync(mount, { recursive: true });
  await run("truncate", ["-s", LIMITED_SIZE, image]);
  await run("mkfs.ext4", ["-q", "-N", "8192", "-J", "size=8", "-E", "nodiscard", "-m", "0", image]);
  await run("mount", ["-o", "loop", image, mount]);
}

function storageConfig(): object {
  const map = (directory: string) => ({
    nodePathMap: NODES.map((node) => ({
      node: node.name,
      paths: [join(paths().node(node.name), directory)],
    })),
  });
  return { storageClassConfigs: { standard: map("volumes"), limited: map("limited") } };
}

function helperPod(): object {
  const container = { name: "helper-pod", image: IMAGES.busybox, imagePullPolicy: "IfNotPresent" };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "helper-pod" },
    spec: { terminationGracePeriodSeconds: 0, containers: [container] },
  };
}

function storageManifests(): object[] {
  const storageClass = (name: string, annotations: Record<string, string>) => ({
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: { name, annotations },
    provisioner: PROVISIONER,
    volumeBindingMode: "WaitForFirstConsumer",
    reclaimPolicy: "Delete",
  });
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: STORAGE_NAMESPACE } },
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "local-path-config", namespace: STORAGE_NAMESPACE },
      data: {
        setup: '#!/bin/sh\nset -eu\nmkdir -m 0777 -p "$VOL_DIR"\n',
        teardown: '#!/bin/sh\nset -eu\nrm -rf "$VOL_DIR"\n',
      },
    },
    storageClass("standard", { "storageclass.kubernetes.io/is-default-class": "true" }),
    storageClass("limited", {}),
  ];
}
