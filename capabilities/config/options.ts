/** The user's `[mysqld]` options and our defaults for them. Pure; the agent adds its own reserved ones last. */
import { parseMysqlSize } from "../../api/quantity";

export type Options = Readonly<Record<string, string>>;

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;

/** One spelling for each option: MySQL takes "-" for "_", and "loose_" before a name it may not know. */
export function canonical(name: string): string {
  return name.toLowerCase().replaceAll("-", "_");
}

const clamp = (value: number, least: number, most: number) => Math.min(most, Math.max(least, value));
/** The buffer pool grows in chunks; whole MiB read better in my.cnf. */
const wholeMib = (bytes: number) => Math.floor(bytes / MIB) * MIB;

/**
 * Defaults for a container of so much memory. Half for the buffer pool leaves room for connections, the performance
 * schema and the agent. `temptable_max_ram` is 1 GiB in MySQL 9.7: more than a small container has.
 */
export function defaults(memoryBytes: number): Options {
  const pool = wholeMib(clamp(memoryBytes / 2, 32 * MIB, Infinity));
  return {
    binlog_expire_logs_seconds: "604800",
    innodb_buffer_pool_size: String(pool),
    innodb_redo_log_capacity: String(wholeMib(clamp(pool / 2, 64 * MIB, 8 * GIB))),
    max_connections: String(Math.round(clamp((memoryBytes / GIB) * 100, 50, 1000))),
    temptable_max_ram: String(wholeMib(clamp(memoryBytes / 16, 16 * MIB, GIB))),
  };
}

/** Options as mysqld gets them: defaults, the user's over them, percentages of the container's memory resolved. */
export function effective(config: Readonly<Record<string, unknown>> = {}, memoryBytes: number): Options {
  const user = Object.entries(config).map(([name, value]) => [canonical(name), rendered(value, memoryBytes)]);
  const all = { ...defaults(memoryBytes), ...(Object.fromEntries(user) as Options) };
  return Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function rendered(value: unknown, memoryBytes: number): string {
  if (typeof value === "boolean") return value ? "ON" : "OFF";
  const text = String(value).trim();
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  return percent === undefined ? text : String(wholeMib((memoryBytes * Number(percent)) / 100));
}

/** my.cnf. A line break in a value would be a line of its own: such a value is refused by admission, cut here. */
export function myCnf(options: Options): string {
  const lines = Object.entries(options).map(([name, value]) => `${name} = ${value.split(/[\r\n]/)[0] ?? ""}`);
  return [
    "# Written by Porpoise from spec.config; the agent adds its own options last.",
    "[mysqld]",
    ...lines,
    "",
  ].join("\n");
}

/** As SET GLOBAL takes it: "512M" is an option file's spelling only. */
export function sqlValue(value: string): string {
  return /^\d+[kmgtp]$/i.test(value) ? String(parseMysqlSize(value)) : value;
}
