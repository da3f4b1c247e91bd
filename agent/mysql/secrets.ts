/** Passwords as the kubelet mounts them: a directory each, a file a key. Read anew each time: they rotate. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Account, Secrets } from "./options";

/** @throws Error when `system` is missing; root and app may be. */
export async function readSecrets(directory: string): Promise<Secrets> {
  const system = await account(join(directory, "system"));
  if (system === undefined) throw new Error(`no secret at ${join(directory, "system")}`);
  const app = await account(join(directory, "app"));
  const database = await key(join(directory, "app"), "database");
  return {
    system,
    replication: await account(join(directory, "system"), "repl-"),
    root: await account(join(directory, "root")),
    app: app === undefined || database === undefined ? undefined : { ...app, database },
  };
}

async function account(directory: string, prefix = ""): Promise<Account | undefined> {
  const username = await key(directory, `${prefix}username`);
  const password = await key(directory, `${prefix}password`);
  return username === undefined || password === undefined ? undefined : { username, password };
}

async function key(directory: string, name: string): Promise<string | undefined> {
  const text = await readFile(join(directory, name), "utf8").catch(() => undefined);
  return text?.trim();
}
