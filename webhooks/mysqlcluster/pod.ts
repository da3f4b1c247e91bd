/** What of the pod belongs to Porpoise. */
import { ANNOTATION, LABEL } from "../../api/labels";
import type { MySQLClusterSpec } from "../../api/mysqlcluster";
import { POD_ENV } from "../../api/paths";
import { refuse, type Path, type Problem } from "../../api/problem";
import type { Change } from "./rule";

/** Services, budgets and the agents find the pods by these. */
const OUR_LABELS: ReadonlySet<string> = new Set([
  LABEL.name,
  LABEL.instance,
  LABEL.component,
  LABEL.managedBy,
]);
const KUBERNETES_LABELS =
  /^(statefulset\.kubernetes\.io\/|apps\.kubernetes\.io\/pod-index$|controller-revision-hash$)/;
const OUR_DOMAIN = /^porpoise\.dev\//;

/**
 * Variables that steer the agent, its Node.js or mysqld behind the configuration's back. MYSQL_* of libmysql move
 * the socket and the port; NODE_* would run foreign code in the process that holds the lease (I8: it must not stall).
 */
const OUR_ENV = /^(PORPOISE_|NODE_|MYSQL_(HOME|UNIX_PORT|TCP_PORT|GROUP_SUFFIX|PWD|HOST)$|MYSQLX_)/;
const POD_ENV_NAMES: ReadonlySet<string> = new Set(Object.values(POD_ENV));

/** Names of labels, annotations and variables that are ours. */
export function validatePod({ next }: Change): Problem[] {
  const { pod = {}, witness, readReplicas = [] } = next.spec;
  return [
    ...validateOne(pod, ["spec", "pod"]),
    ...validateOne(witness?.pod ?? {}, ["spec", "witness", "pod"]),
    ...readReplicas.flatMap((pool, i) => validateOne(pool.pod ?? {}, ["spec", "readReplicas", i, "pod"])),
  ];
}

type OurPart = Pick<NonNullable<MySQLClusterSpec["pod"]>, "labels" | "annotations" | "env">;

function validateOne({ labels = {}, annotations = {}, env = [] }: OurPart, at: Path): Problem[] {
  return [
    ...Object.keys(labels)
      .filter((key) => OUR_DOMAIN.test(key) || OUR_LABELS.has(key) || KUBERNETES_LABELS.test(key))
      .map((key) => reserved([...at, "labels", key], key)),
    ...Object.keys(annotations)
      .filter((key) => OUR_DOMAIN.test(key) && key !== ANNOTATION.quiet)
      .map((key) => reserved([...at, "annotations", key], key)),
    ...env.flatMap(({ name }, i) =>
      OUR_ENV.test(name) || POD_ENV_NAMES.has(name) ? [reserved([...at, "env", i, "name"], name)] : [],
    ),
  ];
}

const reserved = (path: Path, got: string): Problem =>
  refuse(path, "reserved", { got, remedy: "Choose another." });
