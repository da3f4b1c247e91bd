/**
 * Silences a removed voter whose agent does not answer: its receiver may run on and acknowledge (I6).
 *
 * Its address gets a replication account of its own, locked and under a password nobody knows, without the binary log:
 * whom a leader shuts out is no business of the next one's data. The more specific host wins over '%', so the
 * reconnecting receiver is refused; a running dump thread is not cut by that and is killed (measured, 9.7.4). `follow`
 * binds receivers to the address that the member tells.
 */
import { randomBytes } from "node:crypto";
import { Resolver, lookup } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { searchList } from "../../peers/addresses";
import type { Server } from "../server";
import { isNoSuchThread } from "../session";
import { excludeAddress, excludedAddresses, readmitAddress, replicationAccount } from "../sql";
import { pause, unlogged, type Handler, type VerbContext } from "./context";

const POLL_MS = 5;
const LIMIT_MS = 5_000;

export const exclude: Handler<"exclude"> = async (context, { member, address }) => {
  const { server, term } = context;
  const from = await addressOf(server, member, address);
  context.check();
  if (from === undefined) return { type: "excluded", term, member };
  const { username } = replicationAccount(await server.options.secrets());
  const password = randomBytes(24).toString("base64url");
  await asLeader(context, excludeAddress({ username, password }, from, member));
  await endSessions(context, username, from);
  server.options.log("member excluded", { member, address: from });
  return { type: "excluded", term, member };
};

/** Takes back what `exclude` did: the member has shown that it acknowledges no more, or may again. */
export const admit: Handler<"admit"> = async (context, { member, address }) => {
  const { server, term } = context;
  const { username } = replicationAccount(await server.options.secrets());
  // The account says whom it is for: what his name leads to may be another address by now.
  const rows = await context.query(excludedAddresses(username, member));
  const all = new Set([...rows.map(({ host }) => String(host)), ...(isIP(address) === 0 ? [] : [address])]);
  for (const from of all) await asLeader(context, readmitAddress(username, from));
  server.options.log("member admitted", { member, addresses: [...all] });
  return { type: "admitted", term, member };
};

/**
 * What the member told, else what its name leads to now. undefined = there is no such host any more, and no receiver of
 * it is connected: its pod was deleted, with all that ran in it.
 * @throws Error when its name is not known but a receiver of it is.
 */
async function addressOf(server: Server, member: string, told: string): Promise<string | undefined> {
  if (isIP(told) !== 0) return told;
  const { host } = server.options.resolve(member);
  const found = await lookupMember(host);
  if (found !== undefined) return found;
  const replicas = await server.session("exclude").query("SHOW REPLICAS", LIMIT_MS);
  if (replicas.some((row) => row["Host"] === host))
    throw new Error(`${member} is connected, and its host ${host} has no address`);
  return undefined;
}

/**
 * The member's address; undefined when there is no such host. A pod's name is relative to the search list: when each of
 * its domains says that there is no such name, there is none. The bare name is no one's: where the cluster's DNS reaches
 * no other server, it ends as EAI_AGAIN for ever, and a promotion would wait for a pod that was deleted.
 */
async function lookupMember(host: string): Promise<string | undefined> {
  const domains = searchList(await readFile("/etc/resolv.conf", "utf8").catch(() => ""));
  const answers = await Promise.all(domains.map((domain) => askDomain(`${host}.${domain}`)));
  const address = answers.find((answer) => isIP(answer) !== 0);
  if (address !== undefined) return address;
  if (answers.length > 0 && answers.every((answer) => answer === "")) return undefined;
  return lookup(host).then((found) => found.address, ignoreUnknown);
}

/** Its address, "" = there is no such name, "?" = not known. */
async function askDomain(name: string): Promise<string> {
  const resolver = new Resolver({ timeout: 500, tries: 2 });
  const codeOf = ({ code = "" }: NodeJS.ErrnoException): string[] => (UNKNOWN.includes(code) ? [] : ["?"]);
  const found = [
    ...(await resolver.resolve4(name).catch(codeOf)),
    ...(await resolver.resolve6(name).catch(codeOf)),
  ];
  return found.find((address) => isIP(address) !== 0) ?? found[0] ?? "";
}

const UNKNOWN = ["ENOTFOUND", "ENODATA"];

function ignoreUnknown(error: NodeJS.ErrnoException): undefined {
  if (!UNKNOWN.includes(error.code ?? "")) throw error;
  return undefined;
}

/**
 * Kills until none is left: a receiver that was connecting when the account was locked may still come in. By account,
 * not by command: a dump thread that is killed but not gone calls itself "Killed", and still takes acknowledgements.
 */
async function endSessions(context: VerbContext, username: string, address: string): Promise<void> {
  const until = performance.now() + LIMIT_MS;
  for (;;) {
    const list = await context.server.processlist("exclude", LIMIT_MS);
    context.check();
    const theirs = list.filter(({ user, host }) => user === username && comesFrom(host, address));
    if (theirs.length === 0) return;
    if (performance.now() > until) throw new Error(`the dump thread for ${address} does not end`);
    for (const { id } of theirs)
      await context.query(`KILL CONNECTION ${id}`).catch((error: unknown) => {
        if (!isNoSuchThread(error)) throw error;
      });
    await pause(POLL_MS);
  }
}

/** Where a user has names resolved any of them may be meant: the rightful ones are back within a second. */
function comesFrom(host: string, address: string): boolean {
  return host === address || isIP(host) === 0;
}

/** Also before the barrier, where mysqld is still super_read_only: offline_mode and read_only stay, nobody gets in. */
async function asLeader(context: VerbContext, statement: string): Promise<void> {
  const { server } = context;
  if (server.armedWith < 0) throw new Error("not armed: only a leader lets in and shuts out");
  if (!server.barrierBegun) await context.query("SET GLOBAL super_read_only=OFF");
  await unlogged(context, [statement]);
}
