/** What an accepted change will do, before it is done: the warnings of `kubectl apply --dry-run=server`. */
import { ANNOTATION } from "../../api/labels";
import {
  instanceNames,
  withDefaults,
  type DefaultedMySQLClusterSpec,
  type MySQLCluster,
} from "../../api/mysqlcluster";
import { bareOption, optionInfo } from "../../api/options";
import { advise, plan, type Problem } from "../../api/problem";
import { changedFields, type FieldChange } from "./diff";
import type { Change } from "./rule";

/** Fields whose change takes a restart (marked ~ in api.md). */
const RESTARTS = /^(version|image|imagePullPolicy|imagePullSecrets|resources|pod)(\.|$)/;
/** Fields that go to every instance without a restart. */
const ON_INSTANCES = /^(config|failover)\./;

/** The plan of an update; of a creation there is none to tell. Empty for who asked for quiet. */
export function planChange({ next, previous }: Change): Problem[] {
  if (previous === undefined || next.metadata.annotations?.[ANNOTATION.quiet] !== undefined) return [];
  const changes = changedFields(withDefaults(previous.spec), withDefaults(next.spec));
  if (changes.length === 0) return [plan([], "nothing changes")];
  const restarts = changes.filter(isRestart);
  const online = changes.filter((change) => !isRestart(change));
  const spec = withDefaults(next.spec);
  return [
    ...(spec.paused
      ? [advise(["spec", "paused"], `${next.metadata.name} is paused: this waits for paused: false.`)]
      : []),
    ...online.map((change) => planOnline(change, spec)),
    ...(restarts.length > 0 ? [planRestart(next, previous, restarts)] : []),
  ];
}

/** An option that MySQL takes online is a restart all the same when it is removed: its default returns at a start. */
function isRestart({ field, after }: FieldChange): boolean {
  if (!field.startsWith("config.")) return RESTARTS.test(field);
  return after === undefined || optionInfo(optionOf(field))?.online !== true;
}

const optionOf = (field: string): string => bareOption(field.slice("config.".length));

function planOnline(
  { field, path, before, after }: FieldChange,
  { instances }: DefaultedMySQLClusterSpec,
): Problem {
  const where = ON_INSTANCES.test(field) ? ` on ${count(instances, "instance")}` : "";
  return plan(["spec", ...path], `online: ${field} ${shown(before)} -> ${shown(after)}${where}`);
}

/**
 * Replicas first, the highest ordinal first; then leadership moves, then the former primary (architecture.md). This
 * version's controller restarts no pod: whoever made the change deletes them in this order.
 */
function planRestart(next: MySQLCluster, previous: MySQLCluster, changes: readonly FieldChange[]): Problem {
  const primary = previous.status?.primary;
  const replicas = instanceNames(next)
    .reverse()
    .filter((name) => name !== primary);
  const last = primary === undefined ? [] : replicas.length > 0 ? ["switchover", primary] : [primary];
  const why = changes.map(({ field }) => field).join(", ");
  return plan(["spec"], `restart by hand: ${[...replicas, ...last].join(", ")} (${why})`);
}

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? "" : "s"}`;

function shown(value: unknown): string {
  if (value === undefined) return "default";
  return typeof value === "string" ? value : JSON.stringify(value);
}
