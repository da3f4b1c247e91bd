/**
 * Applies what a concern wants to own. A server-side apply that changes nothing still costs a round trip, and while
 * a cluster is made it is reconciled every second: an object that was applied a moment ago in the same form is left
 * alone. The sweep (30 s) is longer than that memory, so what somebody else changed or deleted comes back.
 */
import { createHash } from "node:crypto";
import { describeRef, refOf, type KubeObject } from "./objects";
import type { Kube } from "./kube";

/** Shorter than the sweep: each sweep applies everything. */
const FRESH_MS = 25_000;

export class Applier {
  private readonly applied = new Map<string, { readonly hash: string; readonly atMs: number }>();

  constructor(
    private readonly kube: Pick<Kube, "apply">,
    private readonly nowMs: () => number,
  ) {}

  /** Applies every object even when one fails. @throws AggregateError; the work queue retries. */
  async all(objects: readonly KubeObject[]): Promise<void> {
    // A RoleBinding is refused while its Role is not there.
    const isBinding = ({ kind }: KubeObject) => kind === "RoleBinding";
    const waves = [objects.filter((object) => !isBinding(object)), objects.filter(isBinding)];
    const results: PromiseSettledResult<void>[] = [];
    for (const wave of waves)
      results.push(...(await Promise.allSettled(wave.map((object) => this.one(object)))));
    const failed = results.flatMap((result) =>
      result.status === "rejected" ? [result.reason as unknown] : [],
    );
    if (failed.length > 0) throw new AggregateError(failed, failed.map(text).join("; "));
  }

  /** The object is known to be gone or changed: apply it next time whatever was applied before. */
  forget(object: KubeObject): void {
    this.applied.delete(describeRef(refOf(object)));
  }

  private async one(object: KubeObject): Promise<void> {
    const key = describeRef(refOf(object));
    const hash = createHash("sha256").update(JSON.stringify(object)).digest("hex");
    const last = this.applied.get(key);
    const nowMs = this.nowMs();
    if (last?.hash === hash && nowMs - last.atMs < FRESH_MS) return;
    this.applied.delete(key);
    await this.kube.apply(object);
    this.applied.set(key, { hash, atMs: nowMs });
  }
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
