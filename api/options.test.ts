import { expect, test } from "vitest";
import { bareOption, canonicalOption, optionInfo } from "./options";

test.each([
  ["max_connections", { online: true, type: "int" }],
  ["max-connections", { online: true, type: "int" }],
  ["loose_innodb_page_cleaners", { online: false, type: "int" }],
  ["lower_case_table_names", { online: false, type: "int" }],
  ["general_log", { online: true, type: "bool" }],
  ["sql_mode", { online: true, type: "set" }],
  ["clone_buffer_size", { online: true, type: "int" }],
  ["innodb_log_file_size", undefined],
  ["max_connection", undefined],
])("%s is %j", (key, info) => expect(optionInfo(key)).toEqual(info));

test("spellings of one option", () => {
  expect([canonicalOption("Loose-Offline-Mode"), bareOption("Loose-Offline-Mode")]).toEqual([
    "loose_offline_mode",
    "offline_mode",
  ]);
});
