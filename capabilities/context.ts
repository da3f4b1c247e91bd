/** What a concern is given and what it gives back. */
import type { MemberStatus } from "../api/agent";
import type { Applier } from "./apply";
import type { Cluster } from "./cluster";
import type { Options } from "./config/options";
import type { Kube } from "./kube";
import type { Agents, Credentials } from "./members/agents";
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
  readonly now: Date;
  readonly settings: Settings;
  /** The cluster's Secrets by name, as they were when the run began. */
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly kube: Kube;
  readonly applier: Applier;
  readonly agents: Agents;
  /** What each agent (by pod UID) was told last: the same generation may carry another word for `initialised`. */
  readonly told: Map<string, string>;
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
  readonly options: Options;
  readonly instances: readonly ObservedInstance[];
}

/** One instance: what Kubernetes and what its own agent say. */
export interface ObservedInstance {
  readonly name: string;
  /** Wanted by the spec; false = left over from a larger one. */
  readonly wanted: boolean;
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
  };
  /** The agent's own words; undefined = it did not answer. */
  readonly member?: MemberStatus;
}

/** One concern; its objects are applied, its findings returned. */
export type Concern = (context: Context) => Promise<Partial<Observed>>;
