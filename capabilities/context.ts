/** What a concern is given and what it gives back. */
import type { MemberStatus } from "../api/agent";
import type { GroupName, MemberKind } from "../api/members";
import type { Applier } from "./apply";
import type { Cluster } from "./cluster";
import type { Options } from "./config/options";
import type { Kube } from "./kube";
import type { AgentBundle, Agents, Credentials } from "./members/agents";
import type { Metadata } from "./objects";
import type { Secret } from "./secrets";
import type { Settings } from "./settings";

export interface Context {
  readonly cluster: Cluster;
  readonly name: string;
  readonly namespace: string;
  /** In the object's annotation before anything is sent to an agent. */
  readonly clusterId: string;
  /** A primary was seen once: never bootstrap again. */
  readonly initialised: boolean;
  /** Ids it had before recoveries after the loss of a majority, oldest first. */
  readonly formerClusterIds: readonly string[];
  readonly now: Date;
  readonly settings: Settings;
  /** The cluster's Secrets by name, as they were when the run began. */
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly kube: Kube;
  readonly applier: Applier;
  readonly agents: Agents;
  /** What each agent (by pod UID) was told last: the same generation may carry another word for `initialised`. */
  readonly told: Map<string, string>;
  /** The agent that this release brings; undefined = none was found beside the controller. */
  readonly bundle?: AgentBundle;
  /** When it was sent to a pod (by UID), ms since 1970. */
  readonly sent: Map<string, number>;
  /** What the concerns before this one found. */
  readonly observed: Partial<Observed>;
}

/** Where objects are built: all that a pure builder needs to know of its cluster's place. */
export interface Place {
  readonly cluster: { readonly metadata: Metadata };
  readonly name: string;
  readonly namespace: string;
  readonly clusterDomain: string;
}

/** The place of a context. */
export function placeOf({ cluster, name, namespace, settings }: Context): Place {
  return { cluster, name, namespace, clusterDomain: settings.clusterDomain };
}

/** What the concerns found; statusOf (status/) makes the status of it. */
export interface Observed {
  readonly tls: { readonly notAfter: Date; readonly renewed: readonly string[] };
  readonly credentials: Credentials;
  /** Of the instances; of each pool by its name. */
  readonly options: Options;
  readonly poolOptions: Readonly<Record<string, Options>>;
  readonly instances: readonly ObservedInstance[];
  /** What happens to those that are no longer wanted. */
  readonly retirement: Retirement;
  readonly rollout: Rollout;
}

export interface Retirement {
  readonly waiting: readonly { readonly name: string; readonly waitsFor: string }[];
  /** StatefulSets removed in this run. */
  readonly removed: readonly { readonly name: string; readonly volume: "retain" | "delete" }[];
}

/** Restarts and renewals that this run found to be done, and the step it took. */
export interface Rollout {
  readonly outdated: readonly { readonly name: string; readonly why: string }[];
  /** What the next step waits for; undefined when one was taken, or none is to be. */
  readonly waitsFor?: string;
  /** The pod that was restarted. */
  readonly restarted?: { readonly name: string; readonly why: string };
  /** A person restarts (update.strategy onDelete). */
  readonly byHand: boolean;
}

/** One instance: what Kubernetes and what its own agent say. */
export interface ObservedInstance {
  readonly name: string;
  /** Wanted by the spec; false = left over from a larger one. */
  readonly wanted: boolean;
  readonly kind: MemberKind;
  readonly group: GroupName;
  /** What its mysqld and its pod should be; absent on one that is not wanted. */
  readonly target?: {
    readonly revision: string;
    /** Absent on the witness. */
    readonly options?: Options;
    /** Kubernetes has seen the StatefulSet with this revision: a pod made now is of it. */
    readonly settled: boolean;
  };
  readonly pod?: {
    readonly uid?: string;
    readonly ip?: string;
    readonly node?: string;
    readonly phase?: string;
    readonly terminating: boolean;
    /** Why it does not run: Unschedulable, ImagePullBackOff … with Kubernetes' own sentence. */
    readonly trouble?: { readonly reason: string; readonly message: string };
    /** Options of its first mysqld. */
    readonly startedWith?: Options;
    /** Of the template that it was made of; absent on a pod of a release that had none. */
    readonly revision?: string;
    /** Memory of its MySQL container, limit else request, in bytes. */
    readonly memoryBytes?: number;
  };
  /** The agent's own words; undefined = it did not answer. */
  readonly member?: MemberStatus;
}

/** One concern; its objects are applied, its findings returned. */
export type Concern = (context: Context) => Promise<Partial<Observed>>;
