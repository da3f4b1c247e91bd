/**
 * A new agent in a running pod: the bundle is written beside the one that runs, checked, and started by the supervisor
 * on trial; mysqld runs on. A leader hands over first (agent.md: an agent never resumes leading).
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { open, readFile, rename, rm } from "node:fs/promises";
import { promisify } from "node:util";
import type { RenewAnswer } from "../../api/agent";
import { nextBundle } from "../supervisor/protocol";
import { reasonOf, type Log } from "../log";
import { instanceOf } from "../names";
import type { Event, State } from "../raft/types";
import { transferTarget } from "./target";

export interface RenewalPorts {
  readonly snapshot: () => State;
  readonly post: (event: Event) => void;
  /** Path of the proven bundle; undefined = the agent does not run from one. */
  readonly bundle?: string;
  /** SHA-256 of the bundle that runs, in hex. */
  readonly sha256: string;
  /** Has the supervisor start it next. @throws Error with its reason. */
  readonly tryBundle: (path: string) => Promise<void>;
  /** Nobody else can lead: mysqld may stay open while no agent beats. */
  readonly disarm: () => Promise<void>;
  /** Ends this process; called once the answer is on its way. */
  readonly exit: () => void;
  readonly log: Log;
  /** Monotonic ms. */
  readonly now: () => number;
}

export interface RenewRefused {
  readonly status: 400 | 409 | 422 | 503;
  readonly reason: string;
}

export interface Renewal {
  /** @param sha256 what the caller says the bundle's SHA-256 is, in hex */
  renew(bundle: Buffer, sha256: string): Promise<RenewAnswer | RenewRefused>;
}

/** What a bundle prints, and nothing else, when it is started with CHECK_ARGUMENT. */
export const CHECK_ARGUMENT = "--check";
export const CHECK_ANSWER = "porpoise-agent";
const CHECK_LIMIT_MS = 15_000;
const HAND_OVER_LIMIT_MS = 15_000;
/** For the answer to leave. */
const EXIT_AFTER_MS = 150;

export const shaOf = (bundle: Buffer): string => createHash("sha256").update(bundle).digest("hex");

/** SHA-256 of the file this process was started from; "" when it cannot be read. */
export async function runningSha(file = process.argv[1] ?? ""): Promise<string> {
  return readFile(file).then(shaOf, () => "");
}

export function createRenewal(ports: RenewalPorts): Renewal {
  let busy = false;
  return {
    async renew(bundle, sha256) {
      if (busy) return { status: 409, reason: "another bundle is being put in place" };
      busy = true;
      try {
        return await renew(ports, bundle, sha256);
      } finally {
        busy = false;
      }
    },
  };
}

async function renew(
  ports: RenewalPorts,
  bundle: Buffer,
  wanted: string,
): Promise<RenewAnswer | RenewRefused> {
  const sha256 = shaOf(bundle);
  if (sha256 !== wanted.toLowerCase())
    return { status: 400, reason: `the body's SHA-256 is ${sha256}, the header x-sha256 says ${wanted}` };
  if (sha256 === ports.sha256) return { sha256, restarts: false };
  if (ports.bundle === undefined)
    return { status: 409, reason: "this agent does not run from a bundle of its own" };
  const next = nextBundle(ports.bundle);
  if (existsSync(next)) return { status: 409, reason: "a bundle is on trial; ask again in some seconds" };
  try {
    await write(next, bundle);
    const problem = await problemOf(next);
    if (problem !== undefined) return await giveUp(next, { status: 422, reason: problem });
    const handed = await handOver(ports);
    if (typeof handed !== "string") return await giveUp(next, handed);
    await ports.tryBundle(next);
    ports.log.info({ sha256, transferredTo: handed }, "the agent ends for its successor; mysqld serves on");
    setTimeout(ports.exit, EXIT_AFTER_MS);
    return { sha256, restarts: true, transferredTo: handed === "" ? undefined : handed };
  } catch (error) {
    return giveUp(next, { status: 503, reason: reasonOf(error) });
  }
}

async function giveUp(next: string, refused: RenewRefused): Promise<RenewRefused> {
  await rm(next, { force: true }).catch(() => undefined);
  return refused;
}

async function write(file: string, bundle: Buffer): Promise<void> {
  const handle = await open(`${file}.tmp`, "w", 0o644);
  try {
    await handle.writeFile(bundle);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.tmp`, file);
}

/** Why a bundle cannot be an agent: it is started once, in an empty environment, to say what it is. */
async function problemOf(file: string): Promise<string | undefined> {
  const options = { env: {}, timeout: CHECK_LIMIT_MS, killSignal: "SIGKILL" as const };
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [file, CHECK_ARGUMENT], options);
    if (stdout.trim() === CHECK_ANSWER) return undefined;
    return `the bundle does not start as an agent: it said "${stdout.slice(0, 200)}"`;
  } catch (error) {
    const said = reasonOf(error);
    return `the bundle does not start: ${/^\w*Error: .*$/m.exec(said)?.[0] ?? said.slice(-400)}`;
  }
}

/** The instance that leads now; "" when this one did not lead, or is the only voter; or why it leads on. */
async function handOver({ snapshot, post, disarm, now }: RenewalPorts): Promise<string | RenewRefused> {
  const state = snapshot();
  if (state.role.role !== "leader" && !state.writable) return "";
  if (state.durable.config?.voters.length === 1) {
    await disarm();
    return "";
  }
  const target = transferTarget(state, undefined, now());
  if ("reason" in target)
    return { status: 409, reason: `the primary's agent is renewed after a transfer: ${target.reason}` };
  post({ type: "transfer", to: target.to, reason: "the agent is renewed" });
  const until = now() + HAND_OVER_LIMIT_MS;
  for (;;) {
    const { role, writable } = snapshot();
    if (role.role === "follower" && role.leader !== undefined && !writable) return instanceOf(role.leader);
    if (now() > until)
      return { status: 503, reason: "leadership was not handed over in time; nothing was renewed" };
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
