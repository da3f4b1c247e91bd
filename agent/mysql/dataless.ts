/**
 * A witness's MysqlPort: there is no mysqld and never will be. The supervisor is its parent all the same, for the pod's
 * end and for a new bundle.
 */
import type { Event } from "../raft/types";
import type { Mysql } from ".";
import { SupervisorClient } from "./supervisorClient";

export interface DatalessOptions {
  readonly supervisorSocket: string;
  log(text: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Connects to the supervisor. A verb ends as `failed`: the core asks a witness for none. */
export function createDataless({ supervisorSocket, log }: DatalessOptions): Mysql {
  let listener: (event: Event) => void = () => undefined;
  const supervisor = new SupervisorClient(supervisorSocket, {
    onExit: () => undefined,
    onShutdown: () => listener({ type: "shutdown" }),
    onLost: (error) => log("the supervisor is gone", { error: error.message }),
  });
  return {
    start(term, { verb }) {
      const reason = "a witness has no mysqld";
      setImmediate(() => listener({ type: "failed", term, verb, reason }));
    },
    supersede: () => undefined,
    listen: (next) => void (listener = next),
    async inspect() {
      await supervisor.request({ do: "state" });
      return { mysqld: "down", writable: false, unsafeData: false };
    },
    beat: () => undefined,
    watchdog: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    snapshot: () => ({}),
    applyOnlineConfig: () => undefined,
    setDelay: () => undefined,
    async tryBundle(path) {
      await supervisor.request({ do: "bundle", path });
    },
    refusedBundle: async () => (await supervisor.request({ do: "state" })).refusedBundle,
  };
}
