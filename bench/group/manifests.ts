/** The Kubernetes objects of plain mysqld pods. Pure. */
import type { KubeObject } from "../../capabilities/objects";
import { IMAGES } from "../../sandbox/config";
import { PORT, type Place } from "./config";

export interface Content {
  readonly config: string;
  readonly script: string;
  /** init.sql and the TLS files. */
  readonly secret: Readonly<Record<string, string>>;
}

export const primaryService = ({ name }: Place): string => `${name}-primary`;
export const podLabels = ({ name }: Place): Record<string, string> => ({ app: name });

/** All but the namespace and the slice, in the order in which they are applied. */
export function manifests(place: Place, content: Content): KubeObject[] {
  const { namespace, name } = place;
  const object = (kind: string, apiVersion: string, own: string, rest: object): KubeObject => ({
    apiVersion,
    kind,
    metadata: { name: own, namespace },
    ...rest,
  });
  const files = { "my.cnf": content.config, "start.sh": content.script };
  return [
    object("Secret", "v1", name, { stringData: content.secret }),
    object("ConfigMap", "v1", name, { data: files }),
    object("Service", "v1", name, {
      spec: {
        clusterIP: "None",
        // Its own name must resolve before a member may join (group-facts: else ER 3096).
        publishNotReadyAddresses: true,
        selector: podLabels(place),
        ports: [port],
      },
    }),
    // No selector: the watcher writes its slice, as the agent does for ours.
    object("Service", "v1", primaryService(place), { spec: { type: "ClusterIP", ports: [port] } }),
    object("StatefulSet", "apps/v1", name, { spec: statefulSet(place) }),
  ];
}

const port = { name: "mysql", port: PORT, targetPort: PORT, protocol: "TCP" };

function statefulSet(place: Place): object {
  return {
    replicas: place.members,
    serviceName: place.name,
    podManagementPolicy: "Parallel",
    selector: { matchLabels: podLabels(place) },
    persistentVolumeClaimRetentionPolicy: { whenDeleted: "Delete", whenScaled: "Delete" },
    template: { metadata: { labels: podLabels(place) }, spec: podSpec(place) },
    volumeClaimTemplates: [
      {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name: "data" },
        spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "10Gi" } } },
      },
    ],
  };
}

/** The user "mysql" of the engine image. */
const MYSQL_UID = 999;

function podSpec(place: Place): object {
  const apart = { labelSelector: { matchLabels: podLabels(place) }, topologyKey: "kubernetes.io/hostname" };
  return {
    securityContext: { runAsUser: MYSQL_UID, runAsGroup: MYSQL_UID, fsGroup: MYSQL_UID },
    // A member with hung commits does not stop on SIGTERM (group-facts): it would keep the trial waiting.
    terminationGracePeriodSeconds: 10,
    affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [apart] } },
    containers: [
      {
        name: "mysql",
        image: IMAGES.mysql,
        imagePullPolicy: "IfNotPresent",
        command: ["/bin/bash", "/config/start.sh"],
        ports: [{ name: "mysql", containerPort: PORT }],
        resources: { requests: { cpu: "500m", memory: "1Gi" } },
        volumeMounts: [
          { name: "data", mountPath: "/data" },
          { name: "config", mountPath: "/config", readOnly: true },
          { name: "secret", mountPath: "/secret", readOnly: true },
        ],
      },
    ],
    volumes: [
      { name: "config", configMap: { name: place.name } },
      { name: "secret", secret: { secretName: place.name, defaultMode: 0o440 } },
    ],
  };
}

/** The slice of the primary's Service: one address, or none. */
export function primarySlice(place: Place, ip: string | undefined): KubeObject {
  const name = primaryService(place);
  const slice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name,
      namespace: place.namespace,
      labels: {
        "kubernetes.io/service-name": name,
        "endpointslice.kubernetes.io/managed-by": "porpoise-bench",
      },
    },
    addressType: "IPv4",
    ports: [{ name: "mysql", port: PORT, protocol: "TCP" }],
    endpoints: ip === undefined ? [] : [{ addresses: [ip], conditions: { ready: true } }],
  };
  return slice;
}
