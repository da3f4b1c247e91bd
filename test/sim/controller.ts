/**
 * The controller as far as the agents see it: an intent for each, late, and pods that come and go with it. It deletes
 * the pod of an unwanted member only when the leader's configuration is without it, and adopts a recovered cluster's id.
 */
import type { Event, Wanted } from "../../agent/raft";
import type { Member } from "./member";
import type { World } from "./world";

/** Of how many and what kind a cluster is at its birth, and how many pods may join later. */
export interface Shape {
  readonly voters: number;
  readonly witness?: boolean;
  readonly learners?: number;
  readonly spares?: number;
}

export type Intent = Extract<Event, { type: "intent" }>;

export const WITNESS = "w-0";
/** `spec.instances` is at most 9; more than 6 only makes the worlds slow. */
const VOTERS_MAX = 6;

export const dataNames = ({ voters, learners = 0, spares = 0 }: Shape): string[] =>
  Array.from({ length: voters + learners + spares }, (_, i) => `m-${i}`);

export class Controller {
  former: readonly string[] = [];
  wanted: readonly Wanted[];

  constructor(
    private readonly world: World,
    shape: Shape,
    public clusterId: string,
  ) {
    const role = (i: number): Wanted["role"] => (i < shape.voters ? "voter" : "learner");
    this.wanted = [
      ...dataNames({ ...shape, spares: 0 }).map((name, i): Wanted => ({ name, role: role(i) })),
      ...(shape.witness === true ? [{ name: WITNESS, role: "witness" as const }] : []),
    ];
  }

  /** The controller notes that the cluster was born. */
  get intent(): Intent {
    const { clusterId, former, wanted, world } = this;
    const initialised = world.judge.openTerms.size > 0;
    return { type: "intent", clusterId, former, members: wanted, initialised, tuning: world.tuning };
  }

  wants = (name: string): Wanted | undefined => this.wanted.find((one) => one.name === name);

  /** Data voters, then all: of the wanted ones. */
  names(...roles: readonly Wanted["role"][]): string[] {
    return this.wanted.filter(({ role }) => roles.includes(role)).map(({ name }) => name);
  }

  /** Scale out by a pod that is there for nothing, or make a learner a voter. */
  add(role: Wanted["role"], name: string | undefined): void {
    const voters = this.names("voter").length;
    if (name === undefined || (role === "voter" && voters >= VOTERS_MAX)) return;
    this.wanted = [...this.wanted.filter((one) => one.name !== name), { name, role }];
    this.world.trace?.(`wanted: ${JSON.stringify(this.wanted)}`);
  }

  drop(name: string | undefined): void {
    const rest = this.wanted.filter((one) => one.name !== name);
    if (!rest.some(({ role }) => role === "voter")) return;
    // Two of which one is gone for good can change nothing any more: only a recovery helps.
    if (this.world.losses > 0 && rest.filter(({ role }) => role !== "learner").length < 3) return;
    this.wanted = rest;
    this.world.trace?.(`wanted: ${JSON.stringify(this.wanted)}`);
  }

  look(): void {
    const { world } = this;
    const leader = world.openLeader();
    for (const member of world.members) {
      const { clusterId, former, config } = member.durable;
      if (former.includes(this.clusterId) && config !== undefined) {
        this.former = former;
        this.clusterId = clusterId;
        world.trace?.(`the controller adopts cluster ${clusterId}`);
      }
      if (this.wants(member.name) !== undefined) member.unpark();
      else if (leader !== undefined && this.isHeardBy(leader) && !world.inConfiguration(leader, member))
        member.park();
    }
  }

  /** One that knows an older wish may let a member in again at this very moment. */
  private isHeardBy({ agent }: Member): boolean {
    return JSON.stringify(agent?.state.intent?.members) === JSON.stringify(this.wanted);
  }
}
