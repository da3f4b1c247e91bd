/** What an accepted change will do, before it is done: the warnings of `kubectl apply --dry-run=server`. */
import { poolOf, restartParts } from "../../api/groups";
import { ANNOTATION } from "../../api/labels";
import { WITNESS, membersOf, type SpecMember } from "../../api/members";
import { withDefaults, type DefaultedMySQLClusterSpec, type MySQLCluster } from "../../api/mysqlcluster";
import { bareOption, optionInfo } from "../../api/options";
import { advise, plan, type Problem } from "../../api/problem";
import { RESTART_FIELDS, restartOrder } from "../../api/rollout";
import { changedFields, type FieldChange } from "./diff";
import { planMembers } from "./members";
import type { Change } from "./rule";

/** Fields that go to every instance without a restart. */
const ON_INSTANCES = /^(config|failover)\./;
/** Who is there is planned by names (members.ts). */
const MEMBERS = /^(instances|witness|readReplicas)(\.|\[|$)/;
/** Of a pool: its members, and what its members are made of. */
const POOL_TEMPLATE = /^(resources|pod)(\.|$)/;

/** The plan of an update; of a creation there is none to tell. Empty for who asked for quiet. */
export function planChange({ next, previous }: Change): Problem[] {
  if (previous === undefined || next.metadata.annotations?.[ANNOTATION.quiet] !== undefined) return [];
  const [before, after] = [withDefaults(previous.spec), withDefaults(next.spec)];
  const whole = changedFields(before, after);
  if (whole.length === 0) return [plan([], "nothing changes")];
  const changes = [...whole.filter(({ field }) => !MEMBERS.test(field)), ...changesOfPools(before, after)];
  const online = changes.filter((change) => !isRestart(change));
  return [
    ...(after.paused
      ? [advise(["spec", "paused"], `${next.metadata.name} is paused: this waits for paused: false.`)]
      : []),
    ...planMembers(next, previous),
    ...online.map((change) => planOnline(change, after)),
    ...planRestart(next, previous, [...changes, ...whole.filter(isWitnessPod)].filter(isRestart)),
  ];
}

/** Of pools that were and will be, with the pool's name in the field: readReplicas[reports].delay. */
function changesOfPools(before: DefaultedMySQLClusterSpec, after: DefaultedMySQLClusterSpec): FieldChange[] {
  return (after.readReplicas ?? []).flatMap((pool) => {
    const was = poolOf(before, pool.name);
    if (was === undefined) return [];
    return changedFields(was, pool)
      .filter(({ field }) => field !== "instances")
      .map((change) => ({
        ...change,
        field: `readReplicas[${pool.name}].${change.field}`,
        path: ["readReplicas"],
      }));
  });
}

const isWitnessPod = ({ field }: FieldChange): boolean => field.startsWith("witness.pod.");

/** An option that MySQL takes online is a restart all the same when it is removed: its default returns at a start. */
function isRestart(change: FieldChange): boolean {
  const { field, after } = change;
  if (isWitnessPod(change)) return true;
  const inPool = /^readReplicas\[[^\]]+\]\.(.*)$/.exec(field)?.[1];
  if (inPool !== undefined) return POOL_TEMPLATE.test(inPool);
  if (!field.startsWith("config.")) return (RESTART_FIELDS as readonly string[]).includes(topOf(field));
  return after === undefined || optionInfo(optionOf(field))?.online !== true;
}

const topOf = (field: string): string => field.split(".")[0] ?? field;

const optionOf = (field: string): string => bareOption(field.slice("config.".length));

function planOnline(
  { field, path, before, after }: FieldChange,
  { instances, readReplicas = [] }: DefaultedMySQLClusterSpec,
): Problem {
  const all = instances + readReplicas.reduce((sum, pool) => sum + (pool.instances ?? 1), 0);
  const where = ON_INSTANCES.test(field) ? ` on ${count(all, "instance")}` : "";
  return plan(["spec", ...path], `online: ${field} ${shown(before)} -> ${shown(after)}${where}`);
}

/** One after the other in this order, which is the controller's own; with onDelete, whoever made the change does it. */
function planRestart(next: MySQLCluster, previous: MySQLCluster, changes: readonly FieldChange[]): Problem[] {
  const primary = (previous.status ?? next.status)?.primary;
  const order = restartOrder(restarted(next, previous, changes), primary).map(({ name }) => name);
  if (changes.length === 0 || order.length === 0) return [];
  const last = order.at(-1);
  const isHandedOver =
    last === primary && membersOf(next).some(({ name, kind }) => kind === "voter" && name !== last);
  const steps = isHandedOver ? [...order.slice(0, -1), "switchover", last] : order;
  const why = changes.map(({ field }) => field).join(", ");
  const by = withDefaults(next.spec).update.strategy === "onDelete" ? "restart by hand" : "restart";
  return [plan(["spec"], `${by}: ${steps.join(", ")} (${why})`)];
}

/** Members that were there and whose pods are made of something else, or whose mysqld has other static options. */
function restarted(
  next: MySQLCluster,
  previous: MySQLCluster,
  changes: readonly FieldChange[],
): readonly SpecMember[] {
  const [before, after] = [withDefaults(previous.spec), withDefaults(next.spec)];
  const were = new Set(membersOf(previous).map(({ name }) => name));
  const hasOptions = changes.some(({ field }) => field.startsWith("config."));
  return membersOf(next).filter(({ name, group }) => {
    if (!were.has(name)) return false;
    if (hasOptions && group !== WITNESS) return true;
    return changedFields(restartParts(before, group), restartParts(after, group)).length > 0;
  });
}

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? "" : "s"}`;

function shown(value: unknown): string {
  if (value === undefined) return "default";
  return typeof value === "string" ? value : JSON.stringify(value);
}
