/** A group of three: made, watched, mended; the administrator's acts that Group Replication leaves to people. */
import { randomBytes, randomUUID } from "node:crypto";
import { issue, makeAuthority } from "../../capabilities/tls/certificates";
import { kube } from "../cluster";
import { ensureNamespace, deleteNamespace } from "../fleet";
import { serviceIp } from "../cluster";
import { sleep, sentence, waitFor } from "../waits";
import * as config from "./config";
import { manifests, primaryService, primarySlice } from "./manifests";
import { Member, readGroupPods, type Pod } from "./member";
import { groupTrouble, mayJoin, primaryBy, primaryIn, stateOf, type Report } from "./reports";

const PLACE: config.Place = { namespace: "bench-group", name: "gr", members: 3 };
const MADE_MS = 180_000;
/** A planned change of primary takes 0.3 s: a look every 10 ms adds little to it and costs little. */
const LOOK_MS = 10;

const VIEW = `SELECT member_id AS id, SUBSTRING_INDEX(member_host, '.', 1) AS name, member_state AS state,
  member_role AS role, @@GLOBAL.read_only = 0 AND @@GLOBAL.offline_mode = 0 AS writable
  FROM performance_schema.replication_group_members`;

export interface Publication {
  readonly primary: string;
  /** A member reported it; epoch, ms. */
  readonly reportedAt: number;
}

export class Group {
  readonly place = PLACE;
  private watching = false;
  private published: string | undefined;
  private readonly publications: Publication[] = [];

  private constructor(
    readonly members: readonly Member[],
    readonly access: { readonly host: string; readonly password: string; readonly ca: string },
  ) {}

  /** Makes one from nothing: pods, group, the application's account. About 30 s. */
  static async make(): Promise<Group> {
    await deleteNamespace(PLACE.namespace);
    await ensureNamespace(PLACE.namespace);
    const password = randomBytes(16).toString("hex");
    const { tls, ca } = await certificates();
    const secret = { ...tls, "init.sql": config.initSql(password) };
    const script = config.startScript(PLACE, { group: true });
    const content = { config: config.groupConfig(PLACE, randomUUID()), script, secret };
    for (const object of manifests(PLACE, content)) await kube().apply(object);
    const pods = await awaitPods();
    const members = pods.map(({ name, ip }) => new Member(name, ip, { password, ca }));
    const host = await serviceIp(PLACE.namespace, primaryService(PLACE));
    const group = new Group(members, { host, password, ca });
    await group.form();
    return group;
  }

  close(): void {
    this.rest();
    for (const member of this.members) member.close();
  }

  async remove(): Promise<void> {
    this.close();
    await deleteNamespace(PLACE.namespace);
  }

  /** Bootstraps the first, joins the others. */
  private async form(): Promise<void> {
    const [first] = this.members;
    if (!first) throw new Error("a group without members");
    for (const member of this.members) await awaitMysqld(member);
    await first.query("SET GLOBAL group_replication_bootstrap_group = ON");
    await first
      .query(START, 60_000)
      .finally(() => first.query("SET GLOBAL group_replication_bootstrap_group = OFF"));
    await waitFor("the first member writable", { deadlineMs: 30_000 }, async () => {
      return (await this.report(first))?.writable === true ? { value: undefined } : "still read-only";
    });
    for (const sql of config.appSql(this.access.password)) await first.query(sql);
    await this.awaitWhole(MADE_MS);
  }

  /** All ONLINE, after the administrator's acts where they are needed. @returns the primary. */
  async awaitWhole(deadlineMs: number): Promise<string> {
    return waitFor("three members ONLINE", { deadlineMs, everyMs: 50 }, async () => {
      await this.relocate();
      const reports = await this.reports();
      const trouble = groupTrouble(reports, PLACE.members);
      const primary = reports.flatMap((report) => (report ? [primaryIn(report)] : []))[0];
      if (trouble === undefined && primary !== undefined) {
        await this.publish(primary);
        return { value: primary };
      }
      await this.mend(reports);
      return trouble ?? "no primary";
    });
  }

  /** Sets what differs between the peers, on all. */
  async become(flavour: config.Flavour): Promise<void> {
    const settings = Object.entries(config.FLAVOURS[flavour]).map(([key, value]) => `${key} = ${value}`);
    for (const member of this.members) await member.query(`SET GLOBAL ${settings.join(", GLOBAL ")}`);
  }

  pods(): Promise<Pod[]> {
    return readGroupPods(PLACE);
  }

  member(name: string): Member {
    const found = this.members.find((member) => member.name === name);
    if (!found) throw new Error(`no member ${name}`);
    return found;
  }

  reports(): Promise<(Report | undefined)[]> {
    return Promise.all(this.members.map((member) => this.report(member)));
  }

  /** Undefined: it does not answer. */
  async report(member: Member): Promise<Report | undefined> {
    try {
      const rows = await member.query(VIEW, 500);
      const members = rows.map(({ id, name, state, role }) => ({
        id: String(id),
        name: String(name),
        state: String(state),
        role: String(role),
      }));
      return { by: member.name, members, writable: rows.some(({ writable }) => Number(writable) === 1) };
    } catch {
      return undefined;
    }
  }

  /** Follows the pods where they were made anew. */
  async relocate(): Promise<Pod[]> {
    const pods = await this.pods();
    for (const { name, ip, deleting } of pods) if (ip !== "" && !deleting) this.member(name).moveTo(ip);
    return pods;
  }

  /** The administrator: whoever is out of the group joins it again; who was put offline is opened. */
  async mend(reports: readonly (Report | undefined)[]): Promise<void> {
    await Promise.all(
      this.members.map(async (member, i) => {
        const state = stateOf(reports[i], member.name);
        if (reports[i] === undefined || state === "RECOVERING") return;
        if (state === "ONLINE") return void (await reopen(member));
        if (!mayJoin(reports, member.name)) return;
        if (state === "ERROR") await member.query("STOP GROUP_REPLICATION", 30_000).catch(() => undefined);
        await member.query(START, 60_000).catch(() => undefined);
        await reopen(member);
      }),
    );
  }

  /** From here on the Service follows the group. */
  watch(): void {
    if (this.watching) return;
    this.watching = true;
    for (const member of this.members) void this.follow(member);
  }

  rest(): void {
    this.watching = false;
  }

  /** When a member first reported this primary after a moment. */
  reportOf(primary: string, since: number): Publication | undefined {
    return this.publications.find((one) => one.primary === primary && one.reportedAt >= since);
  }

  private async follow(member: Member): Promise<void> {
    // A session of its own: one that hangs must not hold up the administrator's.
    const own = new Member(member.name, member.address, this.access);
    while (this.watching) {
      own.moveTo(member.address);
      const report = await this.report(own);
      const primary = report && primaryBy(report, { published: this.published, size: PLACE.members });
      if (primary !== undefined) await this.publish(primary).catch(() => undefined);
      await sleep(LOOK_MS);
    }
    own.close();
  }

  private async publish(primary: string): Promise<void> {
    if (this.published === primary) return;
    this.published = primary;
    this.publications.push({ primary, reportedAt: Date.now() });
    try {
      await kube().apply(primarySlice(PLACE, this.member(primary).address));
    } catch (cause) {
      this.published = undefined;
      throw new Error(`slice not written: ${sentence(cause)}`, { cause });
    }
  }
}

const START = `START GROUP_REPLICATION USER='${config.REPL_USER}', PASSWORD=''`;

async function reopen(member: Member): Promise<void> {
  await member.query("SET GLOBAL offline_mode = OFF").catch(() => undefined);
}

function awaitPods(): Promise<Pod[]> {
  return waitFor("three pods with an address", { deadlineMs: MADE_MS, everyMs: 250 }, async () => {
    const pods = await readGroupPods(PLACE);
    const placed = pods.filter(({ ip }) => ip !== "");
    return placed.length === PLACE.members ? { value: placed } : `${placed.length} of ${pods.length} pods`;
  });
}

async function awaitMysqld(member: Member): Promise<void> {
  await waitFor(`mysqld of ${member.name}`, { deadlineMs: MADE_MS, everyMs: 250 }, async () => {
    await member.query("DO 1");
    return { value: undefined };
  });
}

/** One certificate for all, of an authority of its own: the clients check it as they check ours. */
export async function certificates(): Promise<{ tls: Record<string, string>; ca: string }> {
  const notBefore = new Date(Date.now() - 3600_000);
  const notAfter = new Date(Date.now() + 30 * 24 * 3600_000);
  const authority = await makeAuthority("bench", notBefore, notAfter);
  const leaf = await issue(authority, {
    commonName: "mysql",
    dnsNames: ["localhost"],
    usages: ["server", "client"],
    notBefore,
    notAfter,
  });
  const tls = { "ca.crt": authority.certificate, "tls.crt": leaf.certificate, "tls.key": leaf.key };
  return { tls, ca: authority.certificate };
}
