/** `spec.config`: what MySQL would not start with, and what is not the user's to set. */
import { groupSpec } from "../../api/groups";
import { VOTERS } from "../../api/members";
import { memoryOf, withDefaults } from "../../api/mysqlcluster";
import { OPTIONS_VERSION, bareOption, canonicalOption, optionInfo } from "../../api/options";
import { refuse, type Path, type Problem } from "../../api/problem";
import { formatMysqlSize, parseMysqlSize, parseQuantity } from "../../api/quantity";
import { isReserved } from "./reserved";
import type { Change } from "./rule";
import { suggestion } from "./suggestion";

const at = (key: string): Path => ["spec", "config", key];

/** All rules about `spec.config`. One problem an option, the gravest. */
export function validateConfig(change: Change): Problem[] {
  const config: Readonly<Record<string, unknown>> = withDefaults(change.next.spec).config ?? {};
  const problems = Object.entries(config).flatMap(([key, value]) => validateOption(key, value).slice(0, 1));
  return [
    ...problems,
    ...saidTwice(Object.keys(config)),
    ...validateBufferPool(change),
    ...validateTableNames(change),
  ];
}

function validateOption(key: string, value: unknown): Problem[] {
  if (isReserved(key))
    return [refuse(at(key), "belongs to Porpoise", { got: onOff(value), remedy: "Remove it." })];
  return [...validateName(key), ...validateValue(key, value)];
}

/** `loose_` asks mysqld to pass over what it does not know, so such a name is the user's own affair. */
function validateName(key: string): Problem[] {
  const wellFormed = /^[a-z][a-z0-9_.]*$/.test(canonicalOption(key));
  if (wellFormed && (optionInfo(key) !== undefined || canonicalOption(key).startsWith("loose_"))) return [];
  return [refuse(at(key), `unknown to MySQL ${OPTIONS_VERSION}`, { remedy: suggestion(bareOption(key)) })];
}

/** A line break would be a second option in my.cnf, and could smuggle in a reserved one. */
function validateValue(key: string, value: unknown): Problem[] {
  if (!["string", "number", "boolean"].includes(typeof value)) {
    return [
      refuse(at(key), "must be a string, a number, true or false", {
        got: value,
        remedy: "Write one value.",
      }),
    ];
  }
  if (/[\x00-\x1f\x7f]/.test(String(value))) {
    return [refuse(at(key), "must be one line", { got: value, remedy: "Remove the line break." })];
  }
  const type = optionInfo(key)?.type;
  if (isShare(value) && type !== undefined && type !== "int") {
    return [
      refuse(at(key), "is not a size: no share of the memory", {
        got: value,
        remedy: "Write the value itself.",
      }),
    ];
  }
  return [];
}

/** mysqld would die at its first allocation, or the kernel kill it under load. */
function validateBufferPool({ next }: Change): Problem[] {
  const memory = leastMemory(next);
  const bytes = parseQuantity(memory);
  return Object.entries(next.spec.config ?? {})
    .filter(
      ([key, value]) => bareOption(key) === "innodb_buffer_pool_size" && (sizeOf(value, bytes) ?? 0) > bytes,
    )
    .map(([key, value]) => {
      const remedy = `Set ${formatMysqlSize(bytes * 0.75)} or less.`;
      return refuse(at(key), `exceeds memory ${memory}`, { got: String(value), remedy });
    });
}

/** Pools may have less memory than the instances; the options are the same. */
function leastMemory({ metadata, spec, ...rest }: Change["next"]): string {
  const whole = withDefaults(spec);
  const groups = [VOTERS, ...(whole.readReplicas ?? []).map(({ name }) => name)];
  const memories = groups.map((group) => memoryOf({ ...rest, metadata, spec: groupSpec(whole, group) }));
  return memories.reduce((least, one) => (parseQuantity(one) < parseQuantity(least) ? one : least));
}

function sizeOf(value: unknown, memoryBytes: number): number | undefined {
  const text = String(value);
  return isShare(text) ? (memoryBytes * parseFloat(text)) / 100 : parseMysqlSize(text);
}

/** The data dictionary is made with it; mysqld refuses to start with another (ER 11087). */
function validateTableNames({ next, previous }: Change): Problem[] {
  if (previous === undefined) return [];
  const [before, after] = [tableNames(previous), tableNames(next)];
  if ((before?.value ?? "0") === (after?.value ?? "0")) return [];
  const key = after?.key ?? before?.key ?? "lower_case_table_names";
  return [{ severity: "error", path: at(key), message: "fixed at creation. Make a new cluster." }];
}

function tableNames({ spec }: Change["next"]): { key: string; value: string } | undefined {
  const found = Object.entries(spec.config ?? {}).find(
    ([key]) => bareOption(key) === "lower_case_table_names",
  );
  return found && { key: found[0], value: String(Number(found[1])) };
}

function saidTwice(keys: readonly string[]): Problem[] {
  return keys.flatMap((key, i) => {
    const first = keys.slice(0, i).find((other) => bareOption(other) === bareOption(key));
    return first === undefined
      ? []
      : [refuse(at(key), "stands there twice", { got: `${first} too`, remedy: "Remove one." })];
  });
}

const isShare = (value: unknown): boolean => typeof value === "string" && /^\s*\d+(\.\d+)?%\s*$/.test(value);
const onOff = (value: unknown): unknown => (typeof value === "boolean" ? (value ? "ON" : "OFF") : value);
