// Generated from crds/mysqlcluster.yaml by `npm run generate`. Do not edit.

export interface MySQLClusterSpecImagePullSecretsItem {
  /** Name of the Secret. */
  readonly name: string;
}

/** What the scheduler sets aside for each instance. */
export interface MySQLClusterSpecResourcesRequests {
  /** Cores, as 4 or 500m. Default: "500m". */
  readonly cpu?: number | string;
  /** Memory, as 16Gi. Default: "1Gi". */
  readonly memory?: number | string;
  /** Space on the node's own disk for temporary files, as 2Gi. */
  readonly "ephemeral-storage"?: number | string;
}

/** What an instance may never exceed. Set memory equal to the request for steady behaviour. */
export interface MySQLClusterSpecResourcesLimits {
  /** Cores, as 4 or 500m. Better left out; a throttled primary is a slow primary. */
  readonly cpu?: number | string;
  /** Memory, as 16Gi. */
  readonly memory?: number | string;
  /** Space on the node's own disk for temporary files, as 2Gi. */
  readonly "ephemeral-storage"?: number | string;
}

/** CPU and memory of each MySQL container. The memory limit (else the request) sizes the buffer pool. A change restarts the instances one by one, the primary last. */
export interface MySQLClusterSpecResources {
  /** What the scheduler sets aside for each instance. */
  readonly requests?: MySQLClusterSpecResourcesRequests;
  /** What an instance may never exceed. Set memory equal to the request for steady behaviour. */
  readonly limits?: MySQLClusterSpecResourcesLimits;
}

/** The data volume of each instance. */
export interface MySQLClusterSpecStorage {
  /** Size of each volume. Cannot be changed after creation in this version; never shrinks. Default: "10Gi". */
  readonly size?: string;
  /** StorageClass of the volumes; Kubernetes' default class when absent. Fixed in this version. */
  readonly storageClass?: string;
  /** How a volume is mounted. Fixed at creation. Default: ["ReadWriteOnce"]. */
  readonly accessModes?: readonly ("ReadWriteOnce" | "ReadWriteOncePod")[];
  /** What becomes of the volume of an instance that is removed. A retained one is taken up again when the instance comes back. Default: "retain". */
  readonly scaleIn?: "retain" | "delete";
}

/** When another instance takes over. */
export interface MySQLClusterSpecFailover {
  /** How often the primary says that it is alive. Longer on networks across regions. Default: "150ms". */
  readonly heartbeat?: string;
  /** Silence after which the replicas elect another primary; at least 4 heartbeats. Default: "1s". */
  readonly electionTimeout?: string;
  /** false leaves the primary as it is until someone switches over. Default: true. */
  readonly auto?: boolean;
}

/** The Service <cluster>-replicas, for reads. */
export interface MySQLClusterSpecServicesReplicas {
  /** A replica further behind than this serves no reads until it has caught up. Default: "10s". */
  readonly maxLag?: string;
  /** Whether the primary serves reads too; fallback means only when no replica can. Default: "fallback". */
  readonly usePrimary?: "never" | "fallback" | "always";
}

/** The Services clients connect to. */
export interface MySQLClusterSpecServices {
  /** The Service <cluster>-replicas, for reads. */
  readonly replicas?: MySQLClusterSpecServicesReplicas;
}

/** Kubernetes' affinity, added to that of antiAffinity. */
export interface MySQLClusterSpecPodAffinity {
  /** As in a pod. */
  readonly nodeAffinity?: Readonly<Record<string, unknown>>;
  /** As in a pod. */
  readonly podAffinity?: Readonly<Record<string, unknown>>;
  /** As in a pod. */
  readonly podAntiAffinity?: Readonly<Record<string, unknown>>;
}

export interface MySQLClusterSpecPodTolerationsItem {
  /** Key of the taint; absent means all. */
  readonly key?: string;
  /** Exists needs no value. */
  readonly operator?: "Exists" | "Equal";
  /** Value of the taint. */
  readonly value?: string;
  /** Absent means all. */
  readonly effect?: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
  /** How long NoExecute is tolerated. */
  readonly tolerationSeconds?: number;
}

export interface MySQLClusterSpecPodTopologySpreadConstraintsItem {
  /** Largest difference between two places. */
  readonly maxSkew: number;
  /** Node label that tells the places apart. */
  readonly topologyKey: string;
  /** What to do when it cannot hold. */
  readonly whenUnsatisfiable: "DoNotSchedule" | "ScheduleAnyway";
}

export interface MySQLClusterSpecPodEnvItem {
  /** Name of the variable. */
  readonly name: string;
  /** Its value. */
  readonly value?: string;
  /** Where its value comes from, as in a pod. */
  readonly valueFrom?: Readonly<Record<string, unknown>>;
}

/** Kubernetes' settings of the pods. A change restarts the instances one by one, the primary last. */
export interface MySQLClusterSpecPod {
  /** Labels added to the pods. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Annotations added to the pods. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Whether two instances may share a node (or a zone, see topologyKey). required leaves a pod pending rather than beside another. Default: "preferred". */
  readonly antiAffinity?: "none" | "preferred" | "required";
  /** Node label that tells the places apart, as topology.kubernetes.io/zone. Default: "kubernetes.io/hostname". */
  readonly topologyKey?: string;
  /** Kubernetes' affinity, added to that of antiAffinity. */
  readonly affinity?: MySQLClusterSpecPodAffinity;
  /** Labels a node must have. */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /** Taints of nodes that the pods tolerate. */
  readonly tolerations?: readonly MySQLClusterSpecPodTolerationsItem[];
  /** Kubernetes' constraints on how the pods spread. */
  readonly topologySpreadConstraints?: readonly MySQLClusterSpecPodTopologySpreadConstraintsItem[];
  /** PriorityClass of the pods. */
  readonly priorityClassName?: string;
  /** Scheduler of the pods. */
  readonly schedulerName?: string;
  /** Time a pod has to hand over and shut MySQL down cleanly before it is killed. Default: 120. */
  readonly terminationGracePeriodSeconds?: number;
  /** Environment variables of the MySQL container. */
  readonly env?: readonly MySQLClusterSpecPodEnvItem[];
}

/** Kubernetes' affinity, added to that of antiAffinity. */
export interface MySQLClusterSpecWitnessPodAffinity {
  /** As in a pod. */
  readonly nodeAffinity?: Readonly<Record<string, unknown>>;
  /** As in a pod. */
  readonly podAffinity?: Readonly<Record<string, unknown>>;
  /** As in a pod. */
  readonly podAntiAffinity?: Readonly<Record<string, unknown>>;
}

export interface MySQLClusterSpecWitnessPodTolerationsItem {
  /** Key of the taint; absent means all. */
  readonly key?: string;
  /** Exists needs no value. */
  readonly operator?: "Exists" | "Equal";
  /** Value of the taint. */
  readonly value?: string;
  /** Absent means all. */
  readonly effect?: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
  /** How long NoExecute is tolerated. */
  readonly tolerationSeconds?: number;
}

export interface MySQLClusterSpecWitnessPodTopologySpreadConstraintsItem {
  /** Largest difference between two places. */
  readonly maxSkew: number;
  /** Node label that tells the places apart. */
  readonly topologyKey: string;
  /** What to do when it cannot hold. */
  readonly whenUnsatisfiable: "DoNotSchedule" | "ScheduleAnyway";
}

export interface MySQLClusterSpecWitnessPodEnvItem {
  /** Name of the variable. */
  readonly name: string;
  /** Its value. */
  readonly value?: string;
  /** Where its value comes from, as in a pod. */
  readonly valueFrom?: Readonly<Record<string, unknown>>;
}

/** Kubernetes' settings of its pod; what is absent is as in spec.pod. */
export interface MySQLClusterSpecWitnessPod {
  /** Labels added to the pods. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Annotations added to the pods. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Kubernetes' affinity, added to that of antiAffinity. */
  readonly affinity?: MySQLClusterSpecWitnessPodAffinity;
  /** Labels a node must have. */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /** Taints of nodes that the pods tolerate. */
  readonly tolerations?: readonly MySQLClusterSpecWitnessPodTolerationsItem[];
  /** Kubernetes' constraints on how the pods spread. */
  readonly topologySpreadConstraints?: readonly MySQLClusterSpecWitnessPodTopologySpreadConstraintsItem[];
  /** PriorityClass of the pods. */
  readonly priorityClassName?: string;
  /** Scheduler of the pods. */
  readonly schedulerName?: string;
  /** Environment variables of the MySQL container. */
  readonly env?: readonly MySQLClusterSpecWitnessPodEnvItem[];
  /** Whether two of them may share a node. */
  readonly antiAffinity?: "none" | "preferred" | "required";
  /** Node label that tells the places apart. */
  readonly topologyKey?: string;
  /** Time a pod has to shut down cleanly before it is killed. */
  readonly terminationGracePeriodSeconds?: number;
}

/** One more voter that holds no data: with 2 or 4 instances it makes the number of votes odd. It needs a place of its own, a few megabytes and no MySQL. */
export interface MySQLClusterSpecWitness {
  /** Kubernetes' settings of its pod; what is absent is as in spec.pod. */
  readonly pod?: MySQLClusterSpecWitnessPod;
}

/** What the scheduler sets aside for each instance. */
export interface MySQLClusterSpecReadReplicasItemResourcesRequests {
  /** Cores, as 4 or 500m. */
  readonly cpu?: number | string;
  /** Memory, as 16Gi. */
  readonly memory?: number | string;
  /** Space on the node's own disk for temporary files, as 2Gi. */
  readonly "ephemeral-storage"?: number | string;
}

/** What an instance may never exceed. */
export interface MySQLClusterSpecReadReplicasItemResourcesLimits {
  /** Cores, as 4 or 500m. */
  readonly cpu?: number | string;
  /** Memory, as 16Gi. */
  readonly memory?: number | string;
  /** Space on the node's own disk for temporary files, as 2Gi. */
  readonly "ephemeral-storage"?: number | string;
}

/** CPU and memory of each; as spec.resources when absent. */
export interface MySQLClusterSpecReadReplicasItemResources {
  /** What the scheduler sets aside for each instance. */
  readonly requests?: MySQLClusterSpecReadReplicasItemResourcesRequests;
  /** What an instance may never exceed. */
  readonly limits?: MySQLClusterSpecReadReplicasItemResourcesLimits;
}

/** The data volume of each; what is absent is as in spec.storage. */
export interface MySQLClusterSpecReadReplicasItemStorage {
  /** Size of each volume. Fixed in this version. */
  readonly size?: string;
  /** StorageClass of the volumes. Fixed in this version. */
  readonly storageClass?: string;
}

/** Kubernetes' affinity, added to that of antiAffinity. */
export interface MySQLClusterSpecReadReplicasItemPodAffinity {
  /** As in a pod. */
  readonly nodeAffinity?: Readonly<Record<string, unknown>>;
  /** As in a pod. */
  readonly podAffinity?: Readonly<Record<string, unknown>>;
  /** As in a pod. */
  readonly podAntiAffinity?: Readonly<Record<string, unknown>>;
}

export interface MySQLClusterSpecReadReplicasItemPodTolerationsItem {
  /** Key of the taint; absent means all. */
  readonly key?: string;
  /** Exists needs no value. */
  readonly operator?: "Exists" | "Equal";
  /** Value of the taint. */
  readonly value?: string;
  /** Absent means all. */
  readonly effect?: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
  /** How long NoExecute is tolerated. */
  readonly tolerationSeconds?: number;
}

export interface MySQLClusterSpecReadReplicasItemPodTopologySpreadConstraintsItem {
  /** Largest difference between two places. */
  readonly maxSkew: number;
  /** Node label that tells the places apart. */
  readonly topologyKey: string;
  /** What to do when it cannot hold. */
  readonly whenUnsatisfiable: "DoNotSchedule" | "ScheduleAnyway";
}

export interface MySQLClusterSpecReadReplicasItemPodEnvItem {
  /** Name of the variable. */
  readonly name: string;
  /** Its value. */
  readonly value?: string;
  /** Where its value comes from, as in a pod. */
  readonly valueFrom?: Readonly<Record<string, unknown>>;
}

/** Kubernetes' settings of the pods; what is absent is as in spec.pod. */
export interface MySQLClusterSpecReadReplicasItemPod {
  /** Labels added to the pods. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Annotations added to the pods. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Kubernetes' affinity, added to that of antiAffinity. */
  readonly affinity?: MySQLClusterSpecReadReplicasItemPodAffinity;
  /** Labels a node must have. */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /** Taints of nodes that the pods tolerate. */
  readonly tolerations?: readonly MySQLClusterSpecReadReplicasItemPodTolerationsItem[];
  /** Kubernetes' constraints on how the pods spread. */
  readonly topologySpreadConstraints?: readonly MySQLClusterSpecReadReplicasItemPodTopologySpreadConstraintsItem[];
  /** PriorityClass of the pods. */
  readonly priorityClassName?: string;
  /** Scheduler of the pods. */
  readonly schedulerName?: string;
  /** Environment variables of the MySQL container. */
  readonly env?: readonly MySQLClusterSpecReadReplicasItemPodEnvItem[];
  /** Whether two of them may share a node. */
  readonly antiAffinity?: "none" | "preferred" | "required";
  /** Node label that tells the places apart. */
  readonly topologyKey?: string;
  /** Time a pod has to shut down cleanly before it is killed. */
  readonly terminationGracePeriodSeconds?: number;
}

export interface MySQLClusterSpecReadReplicasItem {
  /** Name of the pool: its instances are <cluster>-<name>-<n>, its Service is <cluster>-<name>. */
  readonly name: string;
  /** Number of instances in the pool. Default: 1. */
  readonly instances?: number;
  /** How long after the primary they apply a change, as 1h: time to save what was deleted by mistake. A delayed pool is not in <cluster>-replicas. Default: "0s". */
  readonly delay?: string;
  /** CPU and memory of each; as spec.resources when absent. */
  readonly resources?: MySQLClusterSpecReadReplicasItemResources;
  /** The data volume of each; what is absent is as in spec.storage. */
  readonly storage?: MySQLClusterSpecReadReplicasItemStorage;
  /** Kubernetes' settings of the pods; what is absent is as in spec.pod. */
  readonly pod?: MySQLClusterSpecReadReplicasItemPod;
}

/** How changes that need a restart are made. */
export interface MySQLClusterSpecUpdate {
  /** rolling restarts one instance after the other, replicas first, and hands the primary over before its own turn. onDelete waits until you delete the pod. Default: "rolling". */
  readonly strategy?: "rolling" | "onDelete";
  /** When a new release of Porpoise replaces the agents in running pods: now, one after the other, MySQL runs on; lazy, when a pod is restarted. Default: "now". */
  readonly agent?: "lazy" | "now";
}

/** The PodDisruptionBudget that drains of nodes respect. */
export interface MySQLClusterSpecPdb {
  /** How many instances may be drained at a time. 0 blocks every drain. Default: 1. */
  readonly maxUnavailable?: number;
}

/** What deleting the MySQLCluster does. */
export interface MySQLClusterSpecDeletion {
  /** true refuses to delete the cluster. Default: false. */
  readonly protect?: boolean;
  /** Whether the data volumes, and the Secrets with their passwords, stay when the cluster is deleted; applying the same object again brings it back. Default: "retain". */
  readonly volumes?: "retain" | "delete";
}

/** What the cluster should be. Everything has a default. */
export interface MySQLClusterSpec {
  /** How the instances replicate and who elects. raft: semi-synchronous replication, the agents in the pods elect; no acknowledged commit is lost. group and async are not supported yet. Default: "raft". */
  readonly topology?: "raft" | "group" | "async";
  /** Number of MySQL instances, each a full copy of the data and a vote. 3 survive the loss of one, 5 of two; 1 is a standalone server. May be changed at any time, also by kubectl scale: voters are taken in and let go one at a time, and an instance is removed only when the rest no longer counts on it. Default: 3. */
  readonly instances?: number;
  /** MySQL version: a series (9.7) or a patch (9.7.4). What runs is in status.version. A change restarts the instances one by one, the primary last. Default: "9.7". */
  readonly version?: string;
  /** Engine image to run instead of the one that belongs to the version. A change restarts the instances one by one, the primary last. */
  readonly image?: string;
  /** When the nodes pull the image; Kubernetes' default when absent. */
  readonly imagePullPolicy?: "Always" | "IfNotPresent" | "Never";
  /** Secrets of the namespace with the registry's credentials. */
  readonly imagePullSecrets?: readonly MySQLClusterSpecImagePullSecretsItem[];
  /** CPU and memory of each MySQL container. The memory limit (else the request) sizes the buffer pool. A change restarts the instances one by one, the primary last. */
  readonly resources?: MySQLClusterSpecResources;
  /** The data volume of each instance. */
  readonly storage?: MySQLClusterSpecStorage;
  /** Options of [mysqld], as max_connections: 800. true is ON, false is OFF, 70% is that share of the memory. What MySQL can change online is not a restart; the options replication and failover rest on belong to Porpoise. */
  readonly config?: Readonly<Record<string, string | number | boolean>>;
  /** When another instance takes over. */
  readonly failover?: MySQLClusterSpecFailover;
  /** The Services clients connect to. */
  readonly services?: MySQLClusterSpecServices;
  /** Kubernetes' settings of the pods. A change restarts the instances one by one, the primary last. */
  readonly pod?: MySQLClusterSpecPod;
  /** One more voter that holds no data: with 2 or 4 instances it makes the number of votes odd. It needs a place of its own, a few megabytes and no MySQL. */
  readonly witness?: MySQLClusterSpecWitness;
  /** Pools of further copies for reads: they have no vote, acknowledge nothing, and never become primary. */
  readonly readReplicas?: readonly MySQLClusterSpecReadReplicasItem[];
  /** How changes that need a restart are made. */
  readonly update?: MySQLClusterSpecUpdate;
  /** The PodDisruptionBudget that drains of nodes respect. */
  readonly pdb?: MySQLClusterSpecPdb;
  /** What deleting the MySQLCluster does. */
  readonly deletion?: MySQLClusterSpecDeletion;
  /** true keeps the controller's hands off; the agents go on, failover included. Default: false. */
  readonly paused?: boolean;
}

export interface MySQLClusterStatusConditionsItem {
  /** Ready, Available, FaultTolerant and so on. */
  readonly type: string;
  /** Whether it holds. */
  readonly status: "True" | "False" | "Unknown";
  /** Why */
  readonly reason: string;
  /** Why */
  readonly message: string;
  /** When status changed last. */
  readonly lastTransitionTime: string;
  /** metadata.generation it is about. */
  readonly observedGeneration?: number;
}

/** Votes. */
export interface MySQLClusterStatusQuorum {
  /** Instances with a vote. */
  readonly voters?: number;
  /** Votes that elect a primary. */
  readonly needed?: number;
  /** Voters that answer. */
  readonly alive?: number;
}

/** Its data volume. */
export interface MySQLClusterStatusMembersItemDisk {
  /** Free space, as 8Gi. */
  readonly free?: string;
  /** Size, as 10Gi. */
  readonly total?: string;
}

export interface MySQLClusterStatusMembersItem {
  /** Name of the instance, as shop-0. */
  readonly name: string;
  /** Its part now. */
  readonly role: "primary" | "replica" | "learner" | "witness" | "unknown";
  /** Whether it serves. */
  readonly ready: boolean;
  /** What it is doing or waiting for. */
  readonly phase?: string;
  /** Since when it has not answered; absent while it answers. */
  readonly silentSince?: string;
  /** How far it is behind, as 12ms. */
  readonly lag?: string;
  /** GTIDs it has executed. */
  readonly executed?: string;
  /** GTIDs that nobody else has; empty is good. */
  readonly errant?: string;
  /** Zone of its node. */
  readonly zone?: string;
  /** Its node. */
  readonly node?: string;
  /** Its data volume. */
  readonly disk?: MySQLClusterStatusMembersItemDisk;
  /** Revision of the pod template it runs. */
  readonly revision?: string;
}

/** Restarts that a change of the spec needs. */
export interface MySQLClusterStatusRollout {
  /** Revision of the pod template that is wanted. */
  readonly revision?: string;
  /** Instances that run it. */
  readonly updated?: number;
  /** Instances there are. */
  readonly total?: number;
  /** What the next restart waits for; absent when nothing is to be done. */
  readonly waitingFor?: string;
}

/** Where to connect, as host:port. */
export interface MySQLClusterStatusEndpoints {
  /** The cluster's own name: reads and writes. */
  readonly service?: string;
  /** Reads and writes. */
  readonly primary?: string;
  /** Reads. */
  readonly replicas?: string;
}

/** Secrets of the namespace with accounts and certificates. */
export interface MySQLClusterStatusSecrets {
  /** Account of the application. */
  readonly app?: string;
  /** Account of the administrator. */
  readonly root?: string;
  /** Certificate authority that clients trust. */
  readonly ca?: string;
}

/** The last time the primary changed. */
export interface MySQLClusterStatusLastFailover {
  /** When. */
  readonly at?: string;
  /** The primary before. */
  readonly from?: string;
  /** The primary since. */
  readonly to?: string;
  /** Why, as mysqld-died. */
  readonly reason?: string;
  /** From the start of the election to open for writes, as 640ms. */
  readonly outage?: string;
  /** GTIDs of the old primary that were never acknowledged and were cut. */
  readonly discarded?: string;
}

/** What the cluster is. Written by Porpoise alone. */
export interface MySQLClusterStatus {
  /** What the cluster is doing, in one word; the conditions say why. */
  readonly phase?:
    | "Creating"
    | "Ready"
    | "Degraded"
    | "Updating"
    | "FailingOver"
    | "Restoring"
    | "ReadOnly"
    | "Stopped"
    | "Paused"
    | "NoQuorum"
    | "Failed"
    | "Deleting";
  /** metadata.generation this status is about. */
  readonly observedGeneration?: number;
  /** What is true of the cluster, and since when. */
  readonly conditions?: readonly MySQLClusterStatusConditionsItem[];
  /** Instances that exist, as spec.instances counts them. */
  readonly instances?: number;
  /** Instances that serve / instances wanted, as 3/3. */
  readonly ready?: string;
  /** Label selector of the instances' pods. */
  readonly selector?: string;
  /** The instance that takes writes, as shop-0. */
  readonly primary?: string;
  /** Number of the primary's election; it only grows. */
  readonly term?: number;
  /** Delay of the slowest replica, as 12ms. */
  readonly lag?: string;
  /** MySQL version that runs. */
  readonly version?: string;
  /** Image that runs. */
  readonly image?: string;
  /** UUID given to this cluster's data at creation. */
  readonly clusterId?: string;
  /** UUIDs it had before; a recovery after the loss of the majority gives a new one. */
  readonly formerClusterIds?: readonly string[];
  /** Votes. */
  readonly quorum?: MySQLClusterStatusQuorum;
  /** Each instance as its own agent sees it. */
  readonly members?: readonly MySQLClusterStatusMembersItem[];
  /** Restarts that a change of the spec needs. */
  readonly rollout?: MySQLClusterStatusRollout;
  /** Where to connect, as host:port. */
  readonly endpoints?: MySQLClusterStatusEndpoints;
  /** Secrets of the namespace with accounts and certificates. */
  readonly secrets?: MySQLClusterStatusSecrets;
  /** The last time the primary changed. */
  readonly lastFailover?: MySQLClusterStatusLastFailover;
  /** Options of [mysqld] as computed, those of config included. */
  readonly effective?: Readonly<Record<string, string>>;
}

/** MySQLClusterSpecResourcesRequests with the schema's defaults filled in. */
export interface DefaultedMySQLClusterSpecResourcesRequests extends MySQLClusterSpecResourcesRequests {
  readonly cpu: NonNullable<MySQLClusterSpecResourcesRequests["cpu"]>;
  readonly memory: NonNullable<MySQLClusterSpecResourcesRequests["memory"]>;
}

/** MySQLClusterSpecResources with the schema's defaults filled in. */
export interface DefaultedMySQLClusterSpecResources extends MySQLClusterSpecResources {
  readonly requests: DefaultedMySQLClusterSpecResourcesRequests;
}

/** MySQLClusterSpecStorage with the schema's defaults filled in. */
export interface DefaultedMySQLClusterSpecStorage extends MySQLClusterSpecStorage {
  readonly size: NonNullable<MySQLClusterSpecStorage["size"]>;
  readonly accessModes: NonNullable<MySQLClusterSpecStorage["accessModes"]>;
  readonly scaleIn: NonNullable<MySQLClusterSpecStorage["scaleIn"]>;
}

/** MySQLClusterSpecFailover with the schema's defaults filled in. */
export interface DefaultedMySQLClusterSpecFailover extends MySQLClusterSpecFailover {
  readonly heartbeat: NonNullable<MySQLClusterSpecFailover["heartbeat"]>;
  readonly electionTimeout: NonNullable<MySQLClusterSpecFailover["electionTimeout"]>;
  readonly auto: NonNullable<MySQLClusterSpecFailover["auto"]>;
}

/** MySQLClusterSpecServicesReplicas with the schema's defaults filled in. */
export interface DefaultedMySQLClusterSpecServicesReplicas extends MySQLClusterSpecServicesReplicas {
  readonly maxLag: NonNullable<MySQLClusterSpecServicesReplicas["maxLag"]>;
  readonly usePrimary: NonNullable<MySQLClusterSpecServicesReplicas["usePrimary"]>;
}

/** MySQLClusterSpecServices with the schema's defaults filled in. */
export interface DefaultedMySQLClusterSpecServices extends MySQLClusterSpecServices {
  readonly replicas: DefaultedMySQLClusterSpecServicesReplicas;
}

/** MySQLClusterSpecPod with the schema's defaults filled in. */
export interface DefaultedMySQLClusterSpecPod extends MySQLClusterSpecPod {
  readonly antiAffinity: NonNullable<MySQLClusterSpecPod["antiAffinity"]>;
  readonly topologyKey: NonNullable<MySQLClusterSpecPod["topologyKey"]>;
  readonly terminationGracePeriodSeconds: NonNullable<MySQLClusterSpecPod["terminationGracePeriodSeconds"]>;
}

/** MySQLClusterSpecUpdate with the schema's defaults filled in. */
export interface DefaultedMySQLClusterSpecUpdate extends MySQLClusterSpecUpdate {
  readonly strategy: NonNullable<MySQLClusterSpecUpdate["strategy"]>;
  readonly agent: NonNullable<MySQLClusterSpecUpdate["agent"]>;
}

/** MySQLClusterSpecPdb with the schema's defaults filled in. */
export interface DefaultedMySQLClusterSpecPdb extends MySQLClusterSpecPdb {
  readonly maxUnavailable: NonNullable<MySQLClusterSpecPdb["maxUnavailable"]>;
}

/** MySQLClusterSpecDeletion with the schema's defaults filled in. */
export interface DefaultedMySQLClusterSpecDeletion extends MySQLClusterSpecDeletion {
  readonly protect: NonNullable<MySQLClusterSpecDeletion["protect"]>;
  readonly volumes: NonNullable<MySQLClusterSpecDeletion["volumes"]>;
}

/** MySQLClusterSpec with the schema's defaults filled in. */
export interface DefaultedMySQLClusterSpec extends MySQLClusterSpec {
  readonly topology: NonNullable<MySQLClusterSpec["topology"]>;
  readonly instances: NonNullable<MySQLClusterSpec["instances"]>;
  readonly version: NonNullable<MySQLClusterSpec["version"]>;
  readonly resources: DefaultedMySQLClusterSpecResources;
  readonly storage: DefaultedMySQLClusterSpecStorage;
  readonly failover: DefaultedMySQLClusterSpecFailover;
  readonly services: DefaultedMySQLClusterSpecServices;
  readonly pod: DefaultedMySQLClusterSpecPod;
  readonly update: DefaultedMySQLClusterSpecUpdate;
  readonly pdb: DefaultedMySQLClusterSpecPdb;
  readonly deletion: DefaultedMySQLClusterSpecDeletion;
  readonly paused: NonNullable<MySQLClusterSpec["paused"]>;
}

/** The defaults of the schema, as the API server fills them in. */
export const MySQLClusterDefaults = {
  topology: "raft",
  instances: 3,
  version: "9.7",
  resources: {
    requests: {
      cpu: "500m",
      memory: "1Gi",
    },
  },
  storage: {
    size: "10Gi",
    accessModes: ["ReadWriteOnce"],
    scaleIn: "retain",
  },
  failover: {
    heartbeat: "150ms",
    electionTimeout: "1s",
    auto: true,
  },
  services: {
    replicas: {
      maxLag: "10s",
      usePrimary: "fallback",
    },
  },
  pod: {
    antiAffinity: "preferred",
    topologyKey: "kubernetes.io/hostname",
    terminationGracePeriodSeconds: 120,
  },
  update: {
    strategy: "rolling",
    agent: "now",
  },
  pdb: {
    maxUnavailable: 1,
  },
  deletion: {
    protect: false,
    volumes: "retain",
  },
  paused: false,
} as const;
