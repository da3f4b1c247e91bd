/**
 * The options of `[mysqld]` as a real MySQL 9.7 knows them. The list is asked of the server itself, never typed from
 * the manual: scripts/mysql-variables.ts.
 */
import known from "./generated/variables-9.7.json";

export type OptionType = "bool" | "int" | "number" | "enum" | "set" | "text";

export interface OptionInfo {
  /** True when SET GLOBAL changes it; false when it waits for a restart. */
  readonly online: boolean;
  readonly type: OptionType;
}

/** The patch release the list was asked of. */
export const OPTIONS_VERSION: string = known.version;

const INFO = new Map(
  Object.entries(known.options).map(([name, text]): [string, OptionInfo] => {
    const [when, type] = text.split(" ");
    return [name, { online: when === "online", type: type as OptionType }];
  }),
);

/** Names of all options, with underscores. */
export const OPTION_NAMES: readonly string[] = [...INFO.keys()];

/** mysqld reads "-" as "_"; names are in small letters. `loose_` (ignore me if unknown) stays. */
export function canonicalOption(key: string): string {
  return key.trim().toLowerCase().replaceAll("-", "_");
}

/** The option without `loose_`, in its canonical spelling. */
export function bareOption(key: string): string {
  return canonicalOption(key).replace(/^loose_/, "");
}

/** What the server knows of the option, in any spelling; undefined when it does not know it. */
export function optionInfo(key: string): OptionInfo | undefined {
  return INFO.get(bareOption(key));
}
