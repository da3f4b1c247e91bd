/**
 * Recovery after the loss of the majority, by a person, in two steps (agent.md, Power loss; docs/failover.md). The first
 * says what would be done and what may be lost, and changes nothing. The second makes this member a new cluster of its
 * own; it takes the token of the first, and what that one showed must still be so. Both are recorded on the volume.
 */
import { randomBytes, randomUUID, timingSafeEqual } from "node:crypto";
import { appendFile } from "node:fs/promises";
import { RECOVER_PLAN_MS, type MemberStatus, type Recovered, type RecoverPlan } from "../../api/agent";
import { electionQuorum } from "../../api/quorum";
import { parseGtidSet, containsGtid } from "../../api/gtid";
import { reasonOf, type Log } from "../log";
import { instanceOf } from "../names";
import { recoveryRefusal, standingOf } from "../raft";
import type { Event, MemberId, State } from "../raft/types";

export interface RecoveryPorts {
  readonly snapshot: () => State;
  readonly post: (event: Event) => void;
  /** The status of a member. @throws when it does not answer. */
  readonly ask: (instance: string) => Promise<MemberStatus>;
  /** The record: a file of JSON lines on the data volume. */
  readonly file: string;
  readonly log: Log;
  /** Monotonic ms. */
  readonly now: () => number;
  /** ms since 1970. */
  readonly wall: () => number;
}

export interface Refused {
  readonly status: 400 | 409 | 503;
  readonly reason: string;
}

export interface Recovery {
  handle(body: unknown): Promise<RecoverPlan | Recovered | Refused>;
}

/** For the core to take the step. */
const STEP_LIMIT_MS = 5_000;

export function createRecovery(ports: RecoveryPorts): Recovery {
  return new TwoSteps(ports);
}

class TwoSteps implements Recovery {
  private planned: { readonly plan: RecoverPlan; readonly at: number } | undefined;

  constructor(private readonly ports: RecoveryPorts) {}

  async handle(body: unknown): Promise<RecoverPlan | Recovered | Refused> {
    const wanted = parseRecover(body);
    if (typeof wanted === "string") return { status: 400, reason: wanted };
    return wanted.step === "plan" ? this.plan() : this.execute(wanted.token);
  }

  private async plan(): Promise<RecoverPlan | Refused> {
    const found = await this.look();
    if ("reason" in found) return found;
    const plan: RecoverPlan = { token: randomBytes(16).toString("hex"), clusterId: randomUUID(), ...found };
    this.planned = { plan, at: this.ports.wall() };
    await this.record("planned", plan);
    return plan;
  }

  private async execute(token: string): Promise<Recovered | Refused> {
    const { planned } = this;
    if (planned === undefined || !sameText(planned.plan.token, token))
      return refused("no plan of this agent has that token: plan again");
    if (this.ports.wall() - planned.at > RECOVER_PLAN_MS)
      return refused("the plan is too old: plan again, and read what it says");
    const now = await this.look();
    if ("reason" in now) return now;
    const changed = SHOWN.filter((key) => JSON.stringify(now[key]) !== JSON.stringify(planned.plan[key]));
    if (changed.length > 0)
      return refused(`what the plan showed has changed (${changed.join(", ")}): plan again`);
    this.planned = undefined;
    const { clusterId } = planned.plan;
    await this.record("ordered", planned.plan);
    this.ports.post({ type: "recover", clusterId });
    const until = performance.now() + STEP_LIMIT_MS;
    while (this.ports.snapshot().durable.clusterId !== clusterId) {
      if (performance.now() > until)
        return { status: 503, reason: "the agent did not take the step; its log says why" };
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await this.record("done", planned.plan);
    return { clusterId };
  }

  /** What a plan shows, or why there is none. */
  private async look(): Promise<Omit<RecoverPlan, "token" | "clusterId"> | Refused> {
    const before = this.ports.snapshot();
    const obstacle = obstacleOf(before, this.ports.now());
    if (obstacle !== undefined) return refused(obstacle);
    const answers = await this.askVoters(before);
    const state = this.ports.snapshot();
    const { durable } = state;
    const voters = durable.config?.voters ?? [];
    const reachable = voters.filter((id) => id === durable.memberId || answers.has(id));
    const missing = voters.filter((id) => !reachable.includes(id));
    if (reachable.length >= electionQuorum(voters.length))
      return refused(
        `a majority answers (${reachable.map(instanceOf).join(", ")}): the cluster elects by itself, nothing need be lost`,
      );
    const { lastTerm, received } = standingOf(durable, state.received);
    const better = betterOf(received, answers);
    if (better !== undefined)
      return refused(
        `${better} holds transactions that ${instanceOf(durable.memberId)} lacks: recover there`,
      );
    const { term } = durable;
    return { term, lastTerm, received, reachable, missing, mayBeLost: mayBeLost(state, missing) };
  }

  /** Voters that answer as the member they were; a wiped volume is another member. */
  private async askVoters({ durable }: State): Promise<Map<MemberId, MemberStatus>> {
    const others = (durable.config?.voters ?? []).filter((id) => id !== durable.memberId);
    const answers = new Map<MemberId, MemberStatus>();
    const asked = others.map(async (id) => {
      const status = await this.ports.ask(instanceOf(id)).catch(() => undefined);
      if (status?.memberId === id && status.clusterId === durable.clusterId) answers.set(id, status);
    });
    await Promise.all(asked);
    return answers;
  }

  /** Kept with the data, and never in the way of a recovery that is needed. */
  private async record(step: "planned" | "ordered" | "done", plan: RecoverPlan): Promise<void> {
    const { file, log, wall } = this.ports;
    const { clusterId: from, memberId: by } = this.ports.snapshot().durable;
    const at = new Date(wall()).toISOString();
    const entry = { at, step, by, from, ...plan, token: undefined };
    log.warn(entry, `recovery from the loss of the majority: ${step}`);
    await appendFile(file, `${JSON.stringify(entry)}\n`, { mode: 0o600 }).catch((error: unknown) =>
      log.error({ error: reasonOf(error) }, "the recovery was not recorded on the volume"),
    );
  }
}

const SHOWN = ["term", "lastTerm", "received", "reachable", "missing"] as const;
const refused = (reason: string): Refused => ({ status: 409, reason });

/** Why this member cannot go on alone, whoever is reachable. */
function obstacleOf(state: State, now: number): string | undefined {
  const { config, memberId } = state.durable;
  const refusal = recoveryRefusal(state, now);
  if (refusal !== undefined || config?.voters.includes(memberId)) return refusal;
  return `${instanceOf(memberId)} is no voter: it may hold less than one does; recover at a voter`;
}

/** A reachable member that holds what this one lacks. */
function betterOf(received: string, answers: ReadonlyMap<MemberId, MemberStatus>): string | undefined {
  const own = parseGtidSet(received);
  for (const status of answers.values())
    if (status.received !== undefined && !containsGtid(own, parseGtidSet(status.received)))
      return status.name;
  return undefined;
}

function mayBeLost({ durable }: State, missing: readonly MemberId[]): string {
  const k = durable.config?.k ?? 0;
  const who = missing.map(instanceOf).join(", ");
  const acknowledged =
    k >= missing.length
      ? "acknowledged ones are held here unless this member was not among those that acknowledged them"
      : "acknowledged ones among them";
  return (
    `Commits that only ${who} hold: ${acknowledged}. ${instanceOf(durable.memberId)} received up to term ` +
    `${durable.receivedTerm} and cannot know what came after; the others' data is discarded when they come back.`
  );
}

function parseRecover(
  body: unknown,
): { readonly step: "plan" } | { readonly step: "execute"; readonly token: string } | string {
  if (typeof body !== "object" || body === null) return "the request is not a JSON object";
  const { step, token, acceptDataLoss } = body as Readonly<Record<string, unknown>>;
  if (step === "plan") return { step };
  if (step !== "execute") return "step is neither plan nor execute";
  if (typeof token !== "string" || token === "") return "token is missing: it comes with the plan";
  if (acceptDataLoss !== true) return "acceptDataLoss is not true: the plan says what may be lost";
  return { step, token };
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
