/** From a volume to a running mysqld that lets nobody in. */
import { mkdir, readdir, rename, rm, unlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { initialiseArguments } from "./config";
import type { Server } from "./server";
import { errorNumber, messageOf, type Row } from "./session";
import { firstBoot } from "./sql";

const ACCESS_DENIED = 1045;
const POLL_MS = 15;

/** Starts mysqld, making its data directory first when there is none. @throws Error when mysqld ends instead. */
export async function boot(server: Server): Promise<void> {
  const { options } = server;
  await server.writeConfig();
  if (await isEmpty(options.paths.datadir)) await initialise(server);
  // Before mysqld can write anything: a power cut from here on is one of a running server.
  await options.host.saveHost({ ...options.host.host, bootId: options.bootId, running: true });
  const next = server.nextExit();
  try {
    await server.launch("serve", [`--defaults-file=${server.configFile}`]);
    await Promise.race([reachable(server), next.exit.then(endedEarly)]);
  } finally {
    next.forget();
  }
  await assertClosed(server);
  await Promise.all(["control", "fence", "nudge0"].map((purpose) => server.session(purpose).open()));
}

function endedEarly(exit: { readonly code: number | null; readonly signal: string | null }): never {
  throw new Error(`mysqld ended while starting: ${exit.signal ?? `code ${exit.code}`}; its log says why`);
}

async function isEmpty(directory: string): Promise<boolean> {
  const entries = await readdir(directory).catch(() => []);
  return entries.length === 0;
}

/**
 * Makes the data directory beside its place and renames it there when it is whole: one that was interrupted is
 * begun again. The accounts are made in the same run, so no server was ever reachable without them.
 */
async function initialise(server: Server): Promise<void> {
  const { datadir, run } = server.options.paths;
  const temporary = `${datadir}.init`;
  const initFile = join(run, "first-boot.sql");
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true, mode: 0o750 });
  await mkdir(dirname(initFile), { recursive: true });
  await writeFile(initFile, `${firstBoot(await server.options.secrets()).join(";\n")};\n`, { mode: 0o600 });
  const next = server.nextExit();
  try {
    await server.launch("initialise", initialiseArguments(server.configFile, temporary, initFile));
    const { code, signal } = await next.exit;
    if (code !== 0) throw new Error(`mysqld could not make its data directory: ${signal ?? `code ${code}`}`);
  } finally {
    next.forget();
    await unlink(initFile);
  }
  await rm(join(temporary, "auto.cnf"), { force: true });
  await rename(temporary, datadir); // Replaces an empty directory.
}

/** Resolves when the agent's account is let in. Crash recovery may take long: only the end of mysqld ends the wait. */
async function reachable(server: Server): Promise<void> {
  for (;;) {
    try {
      await server.session("control").query("SELECT 1");
      return;
    } catch (error) {
      if (errorNumber(error) === ACCESS_DENIED)
        throw new Error("mysqld refuses the agent's account: its password in the secret is another one");
      if (server.runningPid === undefined) throw new Error(`mysqld is gone: ${messageOf(error)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

const CLOSED =
  "SELECT @@global.super_read_only super_read_only, @@global.offline_mode offline_mode, 1 - @@global.rpl_semi_sync_source_enabled no_semi_sync, @@global.gtid_mode = 'ON' gtid_mode, 1 - @@global.persisted_globals_load no_persisted";

/** A mysqld that booted open, whatever made it so, is killed at once. @throws Error naming what was open. */
async function assertClosed(server: Server): Promise<void> {
  const open = openings(await server.session("control").row(CLOSED));
  if (open.length === 0) return;
  await server.kill();
  throw new Error(`mysqld booted open and was killed: ${open.join(", ")}`);
}

export function openings(row: Row): string[] {
  return Object.entries(row)
    .filter(([, value]) => Number(value) !== 1)
    .map(([name]) => name);
}

/** The server's identity ends here; the next start makes a new one (agent.md: every cut, clone or restore). */
export async function forgetUuid(datadir: string): Promise<void> {
  await rm(join(datadir, "auto.cnf"), { force: true });
}
