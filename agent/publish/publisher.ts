/**
 * What a member shows the world: as leader the two slices, always its role label, and events. Nothing here is waited
 * for by the core, and nothing here decides who is primary.
 *
 * The primary's slice is the hot path of a failover: the slice is read when this member wins (while it drains), so
 * that the publication itself, beside the rest of the promotion, is one conditional PUT on a warm connection.
 */
import type { Intent, PublishRequest, PublishedEndpoint } from "../../api/agent";
import { memberRole } from "../http/serving";
import { reasonOf, type Log } from "../log";
import type { PublisherPort } from "../ports";
import type { State, Term, Told } from "../raft/types";
import type { Board, Note } from "./board";
import { ConditionalWriter, sameIps, type PublishOutcome } from "./conditional";
import { noteOf } from "./notes";
import { poolsEndpoints, replicasEndpoints } from "./replicas";
import { createKeeper, type Keeper } from "./retry";

export interface PublisherOptions {
  readonly self: PublishedEndpoint;
  readonly board: Board;
  readonly log: Log;
  /** The state now: a publication ends with the leadership it is for. */
  readonly state: () => State;
  readonly intent: () => Intent | undefined;
  /** Monotonic ms. */
  readonly now: () => number;
  /** Asks another member's agent to write (POST /v1/publish). @throws when it cannot be reached. */
  readonly askPeer: (instance: string, request: PublishRequest) => Promise<PublishOutcome>;
  /** Milliseconds between two looks at the slice; they keep the connection warm and undo a stranger's change. */
  readonly refreshEveryMs?: number;
}

export interface Publisher extends PublisherPort {
  /** Writes for a leader that does not reach the API server, by the same rule. */
  writeFor(request: PublishRequest): Promise<PublishOutcome>;
  close(): void;
}

/** Pauses between attempts at the primary's slice: clients wait for it. */
const PRIMARY_RETRY_MS = { first: 100, max: 5_000 };
/** Replicas turn to a new leader within a second; before that they would leave the slice only to come back. */
const REPLICAS_SETTLE_MS = 1_000;
const REPLICAS_EVERY_MS = 1_000;
const NOTE_TRIES_MAX = 8;

/** The publisher of one member. */
export function createPublisher(options: PublisherOptions): Publisher {
  return new BoardPublisher(options);
}

class BoardPublisher implements Publisher {
  private readonly writer: ConditionalWriter;
  private readonly replicas: Keeper<PublishRequest>;
  private readonly pools = new Map<string, Keeper<PublishRequest>>();
  private readonly role: Keeper<ReturnType<typeof memberRole>>;
  private readonly refreshing: NodeJS.Timeout;
  private publishing: Term | undefined;
  private publications = 0;
  /** The last term that was open; since when. */
  private opened: { readonly term: Term; readonly at: number } | undefined;
  private wonTerm: Term | undefined;
  private closed = false;

  constructor(private readonly options: PublisherOptions) {
    const { board, log } = options;
    this.writer = new ConditionalWriter(board.slices);
    this.replicas = this.sliceKeeper("replicas");
    this.role = createKeeper({
      apply: (role) => board.setRole(role),
      same: (a, b) => a === b,
      everyMs: 100,
      onError: (error, tries) =>
        log.warn({ tries, reason: reasonOf(error) }, "role label not set; trying again"),
    });
    this.refreshing = setInterval(() => void this.look(), options.refreshEveryMs ?? 15_000).unref();
    void this.look();
  }

  publishPrimary(term: Term): void {
    if (this.publishing === term) return;
    this.publishing = term;
    this.publications += 1;
    const since = this.options.now();
    void this.keepPublishing(term, since).finally(() => {
      if (this.publishing === term) this.publishing = undefined;
    });
  }

  tell(event: Told): void {
    const note = noteOf(event, this.options.self.instance);
    if (note) void this.keepTelling(note);
  }

  follow(state: State): void {
    this.role.want(memberRole(state));
    if (state.role.role !== "leader") return;
    if (this.wonTerm !== state.durable.term) {
      this.wonTerm = state.durable.term;
      void this.look(); // What the publication will be conditional on, read while the relay log drains.
    }
    if (state.role.phase !== "open") return;
    if (this.opened?.term !== state.durable.term)
      this.opened = { term: state.durable.term, at: this.options.now() };
    this.followReplicas(state);
  }

  writeFor(request: PublishRequest): Promise<PublishOutcome> {
    return this.writer.write(request);
  }

  close(): void {
    this.closed = true;
    clearInterval(this.refreshing);
    this.replicas.close();
    for (const keeper of this.pools.values()) keeper.close();
    this.role.close();
    this.options.board.close();
  }

  private followReplicas(state: State): void {
    const { intent, self, now } = this.options;
    const policy = intent();
    const { role, durable, tuning } = state;
    if (!policy || role.role !== "leader" || !this.opened) return;
    if (now() - this.opened.at < REPLICAS_SETTLE_MS) return;
    const { maxLagMs, usePrimary, members } = policy;
    const heard = { leader: role, maxLagMs, now: now(), silentMs: 2 * tuning.electionMaxMs };
    const by = signed(state);
    const wanted = members.map(({ name }) => name);
    const endpoints = replicasEndpoints({ ...heard, self, usePrimary, wanted });
    this.replicas.want({ service: "replicas", ...by, endpoints });
    const pools = poolsEndpoints({ ...heard, members, term: durable.term });
    for (const [pool, own] of pools) this.keeperOf(pool).want({ service: pool, ...by, endpoints: own });
  }

  /** One for each pool: a slice that cannot be written holds up no other. */
  private keeperOf(pool: string): Keeper<PublishRequest> {
    const keeper = this.pools.get(pool) ?? this.sliceKeeper(pool);
    this.pools.set(pool, keeper);
    return keeper;
  }

  private sliceKeeper(service: string): Keeper<PublishRequest> {
    return createKeeper<PublishRequest>({
      apply: (request) => this.applyReplicas(request),
      same: (a, b) => {
        const ips = a.endpoints.map(({ ip }) => ip);
        return a.term === b.term && sameIps(ips, b.endpoints);
      },
      everyMs: REPLICAS_EVERY_MS,
      onError: (error) =>
        this.options.log.warn({ service, reason: reasonOf(error) }, "slice not written; trying again"),
    });
  }

  /** From the end of the drain on: who comes before it is open is refused by mysqld, and tries again. */
  private leads(term: Term): boolean {
    const { durable, role } = this.options.state();
    const published = role.role === "leader" && role.phase !== "draining" && role.phase !== "quiescing";
    return !this.closed && durable.term === term && published;
  }

  private async keepPublishing(term: Term, since: number): Promise<void> {
    const { self, log, state, now } = this.options;
    const request: PublishRequest = { service: "primary", ...signed(state()), term, endpoints: [self] };
    for (
      let waitMs = PRIMARY_RETRY_MS.first;
      this.leads(term);
      waitMs = Math.min(2 * waitMs, PRIMARY_RETRY_MS.max)
    ) {
      const outcome = await this.writeOrAsk(request);
      const ms = Math.round(now() - since);
      if (outcome.result === "superseded")
        return log.warn(
          { term, by: outcome.term, of: outcome.clusterId },
          "the primary's slice is a higher term's, or another cluster's; not published",
        );
      if (outcome.result !== "unreachable") return log.info({ term, ms }, "published as primary");
      log.warn({ term, ms, reason: outcome.reason }, "primary's slice not written; trying again");
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }

  private async applyReplicas(request: PublishRequest): Promise<void> {
    if (!this.leads(request.term)) return;
    const outcome = await this.writeOrAsk(request);
    if (outcome.result === "unreachable") throw new Error(outcome.reason);
    const instances = request.endpoints.map(({ instance }) => instance);
    const { service, term } = request;
    this.options.log.info({ service, term, instances, result: outcome.result }, "replicas published");
  }

  /** Writes by itself, else by the first member that reaches the API server. */
  private async writeOrAsk(request: PublishRequest): Promise<PublishOutcome> {
    const own = await this.writer.write(request);
    if (own.result !== "unreachable") return own;
    const members = (this.options.intent()?.members ?? []).map(({ name }) => name);
    for (const instance of members.filter((name) => name !== this.options.self.instance)) {
      if (!this.leads(request.term)) break;
      const theirs = await this.options.askPeer(instance, request).catch(() => undefined);
      if (theirs && theirs.result !== "unreachable") return theirs;
    }
    return own;
  }

  /** Reads the slices, and writes the primary's again when someone took it away from its leader. */
  private async look(): Promise<void> {
    try {
      const before = this.publications;
      const primary = await this.writer.refresh("primary");
      await this.writer.refresh("replicas");
      // What was read while a publication ran is older than it.
      if (this.publishing !== undefined || this.publications !== before) return;
      const { durable } = this.options.state();
      if (this.opened?.term !== durable.term || !this.leads(durable.term)) return;
      const intact = primary?.term === durable.term && sameIps(primary.ips, [this.options.self]);
      if (!intact) this.publishPrimary(durable.term);
    } catch (error) {
      this.options.log.debug({ reason: reasonOf(error) }, "slices not read");
    }
  }

  private async keepTelling(note: Note): Promise<void> {
    for (let tries = 1; tries <= NOTE_TRIES_MAX && !this.closed; tries += 1) {
      try {
        return await this.options.board.tell(note);
      } catch (error) {
        this.options.log.debug({ tries, reason: reasonOf(error) }, `event ${note.reason} not told`);
        await new Promise((resolve) => setTimeout(resolve, 250 * 2 ** tries).unref());
      }
    }
  }
}

/** Who writes, for which cluster. */
const signed = ({ durable: { term, memberId, clusterId, former } }: State) => ({
  term,
  leader: memberId,
  clusterId,
  formerClusterIds: former,
});
