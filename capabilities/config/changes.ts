/** What a change of options needs: nothing, SET GLOBAL, or a restart. Pure. */
import variables from "../../api/generated/variables-9.7.json";
import { sqlValue, type Options } from "./options";

const kinds: Readonly<Record<string, string>> = variables.options;

/** True when SET GLOBAL changes the option. One we do not know waits for a restart: never wrong, only slower. */
export function isDynamic(name: string): boolean {
  return kinds[name]?.startsWith("online ") ?? false;
}

/** Options the agents set online, as SET GLOBAL takes them. */
export function onlineOptions(options: Options): Record<string, string> {
  const online = Object.entries(options).filter(([name]) => isDynamic(name));
  return Object.fromEntries(online.map(([name, value]) => [name, sqlValue(value)]));
}

/**
 * Options that a mysqld started with `started` takes only at its next start: static ones that differ, and every one
 * that was removed (its value stays until then).
 */
export function restartNeeded(started: Options, wanted: Options): string[] {
  const changed = Object.keys(wanted).filter((name) => !isDynamic(name) && started[name] !== wanted[name]);
  const removed = Object.keys(started).filter((name) => wanted[name] === undefined);
  return [...changed, ...removed].sort();
}

/** Options as the pod template's annotation carries them; undefined when there is none or it cannot be read. */
export function parseOptions(json: string | undefined): Options | undefined {
  try {
    const value: unknown = JSON.parse(json ?? "");
    return typeof value === "object" && value !== null ? (value as Options) : undefined;
  } catch {
    return undefined;
  }
}
