import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CONTROL_PLANE, NETWORK, NODES, RUN_DIR } from "./config";
import { put, runSync, trySync } from "./run";

/** The cables: one bridge on the host, one veth pair per namespace, a route per pod subnet everywhere. */

interface End {
  readonly netns: string;
  readonly link: string;
  readonly ip: string;
}

const ENDS: readonly End[] = [CONTROL_PLANE, ...NODES];

/** Lays all cables. Needs root; expects that nothing of a former sandbox is left. */
export function createNetwork(): void {
  const { bridge, host, prefix } = NETWORK;
  runSync("ip", ["link", "add", bridge, "type", "bridge"]);
  runSync("ip", ["addr", "add", `${host}/${prefix}`, "dev", bridge]);
  runSync("ip", ["link", "set", bridge, "up"]);
  for (const end of ENDS) connect(end);
  for (const node of NODES) runSync("ip", ["route", "replace", node.podCidr, "via", node.ip]);
  openForwarding();
}

const IP_FORWARD = "/proc/sys/net/ipv4/ip_forward";
/** What the machine's two settings were before, so that `down` can put them back. */
const BEFORE = join(RUN_DIR, "host.json");

interface HostSettings {
  readonly ipForward: string;
  readonly forwardPolicy: string;
}

function openForwarding(): void {
  const forwardPolicy = /^-P FORWARD (\w+)/m.exec(runSync("iptables", ["-S", "FORWARD"]))?.[1] ?? "ACCEPT";
  const before: HostSettings = { ipForward: readFileSync(IP_FORWARD, "utf8").trim(), forwardPolicy };
  put(BEFORE, JSON.stringify(before));
  writeFileSync(IP_FORWARD, "1");
  // Bridged frames pass iptables where br_netfilter is loaded, and a machine with Docker drops them there.
  runSync("iptables", ["-P", "FORWARD", "ACCEPT"]);
}

function restoreForwarding(): void {
  if (!existsSync(BEFORE)) return;
  const before = JSON.parse(readFileSync(BEFORE, "utf8")) as HostSettings;
  writeFileSync(IP_FORWARD, before.ipForward);
  trySync("iptables", ["-P", "FORWARD", before.forwardPolicy]);
}

function connect(end: End): void {
  runSync("ip", ["netns", "add", end.netns]);
  runSync("ip", ["link", "add", end.link, "type", "veth", "peer", "name", "eth0", "netns", end.netns]);
  runSync("ip", ["link", "set", end.link, "master", NETWORK.bridge, "up"]);
  const inside = (...args: string[]) => runSync("ip", ["-n", end.netns, ...args]);
  inside("link", "set", "lo", "up");
  inside("addr", "add", `${end.ip}/${NETWORK.prefix}`, "dev", "eth0");
  inside("link", "set", "eth0", "up");
  // A service's address is turned into a pod's only after a route was found for it: hence a default route.
  inside("route", "add", "default", "via", NETWORK.host);
  for (const node of NODES) {
    if (node.netns !== end.netns) inside("route", "add", node.podCidr, "via", node.ip);
  }
  sysctls(end.netns);
}

function sysctls(netns: string): void {
  const settings: Record<string, string> = {
    "net/ipv4/ip_forward": "1",
    // Without it the answer of a pod on the same node would bypass the translation of a service's address.
    "net/bridge/bridge-nf-call-iptables": "1",
  };
  for (const [key, value] of Object.entries(settings)) {
    trySync("nsenter", [`--net=/run/netns/${netns}`, "sh", "-c", `echo ${value} > /proc/sys/${key}`]);
  }
}

/** Takes all cables away; what does not exist is passed over. */
export function removeNetwork(): void {
  for (const end of ENDS) {
    if (existsSync(`/sys/class/net/${end.link}`)) trySync("ip", ["link", "del", end.link]);
    if (existsSync(`/run/netns/${end.netns}`)) trySync("ip", ["netns", "del", end.netns]);
  }
  if (existsSync(`/sys/class/net/${NETWORK.bridge}`)) trySync("ip", ["link", "del", NETWORK.bridge]);
  restoreForwarding();
}
