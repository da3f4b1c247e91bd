/**
 * The cables of a cluster: one bridge, a network namespace per member, the clients at the bridge itself. All of it in
 * the harness's own namespace (isolate.ts), so names and addresses are free.
 */
import { command } from "./command";

const BRIDGE = "faults0";
const SUBNET = "10.97.0";
const CLIENTS = `${SUBNET}.254`;

export interface Cable {
  readonly netns: string;
  /** The bridge's end. */
  readonly link: string;
  readonly ip: string;
}

/** The cable of the n-th member of the n-th cluster of a run: addresses are not used twice. */
export function cableOf(cluster: number, ordinal: number): Cable {
  const number = cluster * 10 + ordinal;
  return { netns: `m${number}`, link: `v${number}`, ip: `${SUBNET}.${1 + (number % 250)}` };
}

/** Lays the bridge. Once a run. */
export async function createBridge(): Promise<void> {
  // `ip netns` keeps its names here; what is below a mount of our own ends with it.
  await command("mkdir", ["-p", "/run/netns"]);
  await command("mount", ["-t", "tmpfs", "none", "/run/netns"]);
  await command("ip", ["link", "set", "lo", "up"]);
  await command("ip", ["link", "add", BRIDGE, "type", "bridge"]);
  await command("ip", ["addr", "add", `${CLIENTS}/24`, "dev", BRIDGE]);
  await command("ip", ["link", "set", BRIDGE, "up"]);
}

/** Makes the member's namespace and plugs it in. */
export async function connect({ netns, link, ip }: Cable): Promise<void> {
  await command("ip", ["netns", "add", netns]);
  await command("ip", ["link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", netns]);
  await command("ip", ["link", "set", link, "master", BRIDGE, "up"]);
  await command("ip", ["-n", netns, "link", "set", "lo", "up"]);
  await command("ip", ["-n", netns, "addr", "add", `${ip}/24`, "dev", "eth0"]);
  await command("ip", ["-n", netns, "link", "set", "eth0", "up"]);
}

/** Takes the cable and the namespace away. */
export async function disconnect({ netns, link }: Cable): Promise<void> {
  await command("ip", ["link", "del", link]);
  await command("ip", ["netns", "del", netns]);
}

/** Pulls the cable at the switch, without a packet of farewell; clients lose the member, too. */
export const unplug = async ({ link }: Cable): Promise<void> =>
  void (await command("ip", ["link", "set", link, "down"]));

export const plug = async ({ link }: Cable): Promise<void> =>
  void (await command("ip", ["link", "set", link, "up"]));

/** What a member no longer hears ("in"), says ("out"), or both. */
export type Direction = "both" | "in" | "out";

/** Drops what passes between the member and these addresses, open connections included. Clients are spared. */
export async function cut(
  { netns }: Cable,
  peers: readonly Cable[],
  direction: Direction = "both",
): Promise<void> {
  const rules = peers.flatMap(({ ip }) => [
    ...(direction === "out" ? [] : [`-A INPUT -s ${ip} -j DROP`]),
    ...(direction === "in" ? [] : [`-A OUTPUT -d ${ip} -j DROP`]),
  ]);
  await restore(netns, rules);
}

/** Ends every cut of the member. */
export const heal = ({ netns }: Cable): Promise<void> => restore(netns, []);

/** All rules at once: a partition begins everywhere in the member's world in the same moment. */
async function restore(netns: string, rules: readonly string[]): Promise<void> {
  const table = ["*filter", ":INPUT ACCEPT", ":FORWARD ACCEPT", ":OUTPUT ACCEPT", ...rules, "COMMIT", ""];
  const script = `printf '%s' "$1" | iptables-restore -w`;
  await command("ip", ["netns", "exec", netns, "sh", "-c", script, "sh", table.join("\n")]);
}
