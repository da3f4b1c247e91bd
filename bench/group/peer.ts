/** Group Replication as a subject, with one of its two sets of settings. Both are the same three mysqlds. */
import { readHolding, type Holding } from "../verdict";
import { waitFor } from "../waits";
import type { Mark } from "../trials/phases";
import type { FaultName } from "../trials/rows";
import { SliceWatch } from "../trials/slices";
import { prepareStrike, undoAll } from "../trials/strikes";
import type { Reign, Struck, Subject, Target } from "../trials/subject";
import { APP_USER, DATABASE, type Flavour } from "./config";
import { Group } from "./group";
import { primaryService } from "./manifests";
import { primaryIn, stateOf } from "./reports";

const READY_MS = 180_000;

export class Peer implements Subject {
  readonly target: Target;
  private readonly slice: SliceWatch;
  /** A group has no terms: changes of the primary are counted here. */
  private term = 0;
  private last: string | undefined;
  /** UID of a pod that was deleted: while it stands the group may still have it ONLINE. */
  private deleted: string | undefined;

  constructor(
    readonly name: Flavour,
    private readonly group: Group,
  ) {
    const { host, password, ca } = group.access;
    this.target = { host, user: APP_USER, password, database: DATABASE, ca };
    this.slice = new SliceWatch(group.place.namespace, primaryService(group.place));
  }

  close(): void {
    this.slice.close();
  }

  async awaitWhole(deadlineMs: number): Promise<Reign> {
    const primary = await this.group.awaitWhole(deadlineMs);
    await this.group.become(this.name);
    return this.reign(primary);
  }

  async prepare(fault: FaultName, primary: string): Promise<() => Promise<Struck>> {
    this.group.watch();
    const pod = (await this.group.pods()).find(({ name }) => name === primary);
    if (!pod) throw new Error(`no pod ${primary}`);
    this.deleted = fault === "pod-deleted" ? pod.uid : undefined;
    if (fault === "switchover") return () => this.handOver(primary);
    const { namespace } = this.group.place;
    const victim = { namespace, pod: pod.name, node: pod.node, frozen: ["mysqld"] };
    const strike = await prepareStrike(fault, victim);
    // What a careful administrator does before he deletes the primary's pod; the default is without one.
    if (fault === "pod-deleted" && this.name === "tuned") return () => this.handOverFirst(primary, strike);
    return strike;
  }

  async awaitSuccessor(before: Reign, _struckAt: number, deadlineMs: number): Promise<Reign> {
    return waitFor("another primary of the group", { deadlineMs, everyMs: 50 }, async () => {
      for (const report of await this.group.reports()) {
        const primary = report && stateOf(report, report.by) === "ONLINE" ? primaryIn(report) : undefined;
        if (primary !== undefined && primary !== before.primary) return { value: this.reign(primary) };
      }
      return `still ${before.primary}`;
    });
  }

  async awaitBack(instance: string, deadlineMs: number): Promise<void> {
    await waitFor(`${instance} ONLINE again`, { deadlineMs, everyMs: 50 }, async () => {
      const pods = await this.group.relocate();
      if (pods.some(({ uid }) => uid === this.deleted)) return "its former pod still stands";
      const reports = await this.group.reports();
      const others = reports.filter((report) => report && report.by !== instance);
      const own = reports.find((report) => report?.by === instance);
      // The others' word: its own view may be of the time before. Its own: it has to have caught up.
      const back = [...others, own].every((report) => stateOf(report, instance) === "ONLINE");
      if (back && others.length === reports.length - 1) return { value: undefined };
      await this.group.mend(reports);
      return `${instance} is ${stateOf(own, instance)}`;
    });
  }

  marks(since: number, { primary }: Reign): Promise<readonly Mark[]> {
    const reported = this.group.reportOf(primary, since);
    const seen = this.slice.firstOf(this.group.member(primary).address, since);
    this.group.rest();
    return Promise.resolve([
      ...(reported === undefined ? [] : [{ phase: "detection", until: reported.reportedAt } as const]),
      ...(seen === undefined ? [] : [{ phase: "publication", until: seen.at } as const]),
    ]);
  }

  holdings(run: string, { checksums }: { readonly checksums: boolean }): Promise<Holding[]> {
    return Promise.all(
      this.group.members.map(({ name, address }) =>
        readHolding(this.target, { instance: name, ip: address, runs: [run], checksums }),
      ),
    );
  }

  async repair(): Promise<void> {
    const pods = await this.group.pods();
    const { namespace } = this.group.place;
    await undoAll(pods.map(({ name, node }) => ({ namespace, pod: name, node })));
    await this.group.awaitWhole(READY_MS);
  }

  private reign(primary: string): Reign {
    if (primary !== this.last) this.term++;
    this.last = primary;
    return { primary, term: this.term };
  }

  private async handOver(primary: string): Promise<Struck> {
    const report = await this.group.report(this.group.member(primary));
    const next = report?.members.find(({ name, state }) => name !== primary && state === "ONLINE");
    if (!next) throw new Error("nobody to hand over to");
    const at = Date.now();
    await this.group.member(primary).query(`SELECT group_replication_set_as_primary('${next.id}')`, 30_000);
    return { at };
  }

  private async handOverFirst(primary: string, strike: () => Promise<Struck>): Promise<Struck> {
    const { at } = await this.handOver(primary);
    await strike();
    return { at };
  }
}
