/** All that the port needs to know of the outside. Nothing is read from the environment: tests run several at once. */
import { FENCE_MS } from "../raft/timing";
import type { GtidText } from "../../api/gtid";
import type { MemberId } from "../raft/types";
import type { HostRecord } from "../store/record";

export interface Account {
  readonly username: string;
  readonly password: string;
}

export interface Secrets {
  /** The agent's own account, `@localhost`. */
  readonly system: Account;
  /** For replication and clones between members; by default `porpoise_repl` with the agent's password. */
  readonly replication?: Account;
  /** Administrator without the privileges that would pass the fence (api.md, `<c>-root`). */
  readonly root?: Account;
  readonly app?: Account & { readonly database: string };
}

/** The host part of `state.json` (agent/store). */
export interface HostStore {
  readonly host: HostRecord;
  saveHost(host: HostRecord): Promise<void>;
}

export interface MysqlPaths {
  readonly datadir: string;
  /** Generated my.cnf, pid file. Emptied with the pod. */
  readonly run: string;
  readonly socket: string;
  readonly supervisorSocket: string;
  readonly discarded: string;
  /** my.cnf text of the user; may be missing. */
  readonly userConfig: string;
  /** Directories with tls.crt, tls.key, ca.crt; undefined = no TLS at all (tests of one server only). */
  readonly serverTls?: string;
  readonly agentTls?: string;
}

export interface MysqlOptions {
  readonly memberId: MemberId;
  readonly paths: MysqlPaths;
  /** Program and leading arguments of mysqld. */
  readonly command: readonly string[];
  readonly serverId: number;
  readonly port: number;
  /** Addresses mysqld listens on. */
  readonly bindAddress: string;
  /** Name by which the other members reach this one. */
  readonly reportHost: string;
  /** Address for the replicas' slice, handed on in `observed`. */
  readonly address: string;
  /** The kernel's boot id. */
  readonly bootId: string;
  /** process: replicas flush lazily; disk: an acknowledgement is on disk (agent.md, Power loss). */
  readonly durability: "process" | "disk";
  /** More of our own options, after ours. */
  readonly config?: Readonly<Record<string, string>>;
  /** Hosts root may come from. */
  readonly rootHosts: readonly string[];
  /** Where a member's mysqld listens. */
  resolve(member: MemberId): { readonly host: string; readonly port: number };
  secrets(): Promise<Secrets>;
  readonly host: HostStore;
  readonly limits?: Partial<Limits>;
  log(text: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Milliseconds. */
export interface Limits {
  /** offline_mode and KILL must be confirmed within; else SIGKILL. lease + this < shortest election timeout. */
  readonly fenceMs: number;
  /** Of a fenced mysqld, to become super_read_only; else SIGKILL. */
  readonly readOnlyMs: number;
  /** A drain that applies nothing for so long has failed. */
  readonly drainStallMs: number;
  /** For the receiver to be connected. */
  readonly followMs: number;
  /** A clone that moves nothing for so long has failed (a waiting commit blocks the donor). */
  readonly cloneStallMs: number;
  readonly observeMs: number;
  readonly monitorMs: number;
  /** Commits that wait so long without progress get a nudge. */
  readonly nudgeMs: number;
  /** How often an open leader writes a probe row. */
  readonly probeMs: number;
  /** Commits or the probe that wait so long are told as `stalled`: the leader hands over. */
  readonly stalledMs: number;
}

export const DEFAULT_LIMITS: Limits = {
  // The lease leaves FENCE_MS; a kill takes the rest of it (I7).
  fenceMs: FENCE_MS - 10,
  readOnlyMs: 1_000,
  drainStallMs: 10_000,
  followMs: 5_000,
  cloneStallMs: 30_000,
  observeMs: 200,
  monitorMs: 50,
  nudgeMs: 75,
  probeMs: 5_000,
  stalledMs: 10_000,
};

/** What a verb learned of the server's sets. */
export interface Sets {
  readonly retrieved: GtidText;
  readonly executed: GtidText;
}
