/** What the runner needs of the world beside mysqld, each in our words. The rim implements, tests fake. */
import type { Durable, Event, Input, MemberId, Message, State, Step, Term, Told } from "./raft/types";

/** agent/raft, as arguments: the runner is tested with a core that does one thing. */
export interface CorePort {
  step(state: State, event: Event, input: Input): Step;
  nextDeadline(state: State): number | undefined;
}

export interface StorePort {
  /** Resolves when the state is on disk: file and directory fsynced (I3, I4). */
  save(durable: Durable): Promise<void>;
}

export interface PeersPort {
  /** One-way, best effort, never waits, never throws. */
  send(to: MemberId, message: Message): void;
  /** The same for a member whose id is not known yet. */
  sendByName(instance: string, message: Message): void;
}

export interface PublisherPort {
  /** This member opened as leader of `term`: start writing the primary's slice; never waits. */
  publishPrimary(term: Term): void;
  /** Something for people, beside the log line the runner writes. */
  tell(event: Told): void;
  /** Looks at the new state after each step: role label, replicas' slice. Cheap when nothing changed. */
  follow(state: State): void;
}

/** What proxies and probes ask; closed at once when the core says so, opened only by a published leadership. */
export interface GatePort {
  open(term: Term): void;
  close(): void;
}

export interface ClockPort {
  /** Monotonic milliseconds. */
  now(): number;
  /** In [0, 1). */
  chance(): number;
  /** Calls back after `ms`; returns the cancellation. */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: ClockPort = {
  now: () => performance.now(),
  chance: () => Math.random(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
