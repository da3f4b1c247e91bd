/**
 * The rule of agent.md, Publish: the slice carries the term of the leader that wrote it; whoever finds a higher one
 * gives up, and the write is conditional on the version that was read. So a deposed leader, or a peer that writes
 * for one, can never take the Service back.
 */
import type { PublishRequest, PublishedEndpoint } from "../../api/agent";

export type Service = PublishRequest["service"];

/** A slice as it is stored. */
export interface StoredSlice {
  /** 0 when it carries none. */
  readonly term: number;
  /** Undefined when it carries none. */
  readonly clusterId?: string;
  /** resourceVersion. */
  readonly version: string;
  readonly ips: readonly string[];
}

export interface SlicePort {
  /** Undefined when there is none. @throws when the store cannot be reached. */
  read(service: Service): Promise<StoredSlice | undefined>;
  /**
   * Writes when the stored version is still `version` (undefined = there must be none); "conflict" when not.
   * @throws when the store cannot be reached or refuses.
   */
  write(request: PublishRequest, version: string | undefined): Promise<StoredSlice | "conflict">;
}

export type PublishOutcome =
  | { readonly result: "written" | "same" }
  /** By a higher term, or by a cluster that this one does not know as its past (then with its id). */
  | { readonly result: "superseded"; readonly term: number; readonly clusterId?: string }
  | { readonly result: "unreachable"; readonly reason: string };

/** Conflicts in a row after which the store counts as unreachable: nobody else writes more than once a second. */
const CONFLICTS_MAX = 5;

/** Writes slices by the rule, remembering what it saw last so that a failover costs one request. */
export class ConditionalWriter {
  private readonly seen = new Map<Service, StoredSlice | undefined>();

  constructor(private readonly port: SlicePort) {}

  /** Never throws. */
  async write(request: PublishRequest): Promise<PublishOutcome> {
    try {
      return await this.attempt(request);
    } catch (error) {
      this.seen.delete(request.service); // What was stored is no longer known.
      return { result: "unreachable", reason: error instanceof Error ? error.message : String(error) };
    }
  }

  /** Reads the slice anew; keeps the connection warm too. @throws when the store cannot be reached. */
  async refresh(service: Service): Promise<StoredSlice | undefined> {
    const slice = await this.port.read(service);
    this.seen.set(service, slice);
    return slice;
  }

  private async attempt(request: PublishRequest): Promise<PublishOutcome> {
    const { service } = request;
    let cached = this.seen.has(service);
    let current = cached ? this.seen.get(service) : await this.refresh(service);
    for (let tries = 0; tries < CONFLICTS_MAX; tries += 1) {
      const decided = decideWrite(current, request);
      // Memory alone must not end a publication: it may be old in both directions.
      if (decided !== "write" && !cached) return decided;
      const written = decided === "write" ? await this.port.write(request, current?.version) : "conflict";
      if (written !== "conflict") {
        this.seen.set(service, written);
        return { result: "written" };
      }
      current = await this.refresh(service);
      cached = false;
    }
    throw new Error(`${CONFLICTS_MAX} conflicts in a row on the slice ${service}`);
  }
}

/** What to do about the slice as it is stored. Pure. */
export function decideWrite(
  current: StoredSlice | undefined,
  wanted: PublishRequest,
): "write" | PublishOutcome {
  if (current === undefined) return "write";
  const { clusterId, formerClusterIds = [] } = wanted;
  if (current.clusterId !== undefined && clusterId !== undefined && current.clusterId !== clusterId)
    return formerClusterIds.includes(current.clusterId)
      ? "write"
      : { result: "superseded", term: current.term, clusterId: current.clusterId };
  if (current.term > wanted.term) return { result: "superseded", term: current.term };
  const same = current.term === wanted.term && sameIps(current.ips, wanted.endpoints);
  return same ? { result: "same" } : "write";
}

/** Whether the slice lists exactly these endpoints. */
export function sameIps(ips: readonly string[], endpoints: readonly PublishedEndpoint[]): boolean {
  return JSON.stringify([...ips].sort()) === JSON.stringify(endpoints.map(({ ip }) => ip).sort());
}
