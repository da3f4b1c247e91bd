import { join } from "node:path";
import { expect, test } from "vitest";
import { nodeNamed, NODES } from "./config";
import { cniConfig, containerdConfig, corefile, kubeletConfig, kubeProxyConfig } from "./render";

// Run `npx vitest run --project unit sandbox -u` after a change, and commit it only if you understand each line.
const golden = (name: string): string => join(__dirname, "testdata", name);
const node = nodeNamed("node2");

test("containerd's configuration", async () => {
  const text = containerdConfig({
    root: "/state/nodes/node2/containerd",
    state: "/run/porpoise/node2/containerd",
    socket: "/run/porpoise/node2/containerd.sock",
    cniConf: "/state/nodes/node2/cni/net.d",
    pauseImage: "localhost/porpoise/pause:1",
  });
  await expect(text).toMatchFileSnapshot(golden("containerd.toml"));
});

test("a node's pod network", async () => {
  await expect(cniConfig(node, "/run/porpoise/node2/cni")).toMatchFileSnapshot(golden("cni.conflist"));
});

test("kubelet's configuration", async () => {
  const where = { clientCa: "/pki/ca.crt", socket: "/run/c.sock", dir: "/state/nodes/node2" };
  await expect(kubeletConfig(node, where)).toMatchFileSnapshot(golden("kubelet.json"));
});

test("kube-proxy's configuration, with production's sync period", async () => {
  const options = { hostname: "node2", kubeconfig: "/pki/kube-proxy.kubeconfig", minSync: "1s" };
  await expect(kubeProxyConfig(options)).toMatchFileSnapshot(golden("kube-proxy.json"));
});

test("CoreDNS's configuration", async () => {
  await expect(corefile("/pki/addons.kubeconfig")).toMatchFileSnapshot(golden("Corefile"));
});

test("nodes have disjoint names, addresses and pod networks", () => {
  for (const field of ["name", "netns", "link", "ip", "podCidr"] as const) {
    expect(new Set(NODES.map((each) => each[field])).size).toBe(NODES.length);
  }
});

test("a node is found by its name in the API and by its namespace, and by nothing else", () => {
  expect(nodeNamed("pp-node3")).toBe(nodeNamed("node3"));
  expect(() => nodeNamed("node4")).toThrow("no node node4 in the sandbox; it has node1, node2, node3");
});

test("a network link's name fits the kernel's 15 characters", () => {
  for (const each of NODES) expect(each.link.length).toBeLessThanOrEqual(15);
});
