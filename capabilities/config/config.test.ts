import { join } from "node:path";
import { expect, test } from "vitest";
import { expectGolden, sample } from "../testing";
import { onlineOptions, parseOptions, restartNeeded } from "./changes";
import { effective } from "./options";
import { configMap, optionsOf } from "./reconcile";

const GIB = 1024 ** 3;

test("my.cnf of the smallest cluster", () => {
  const context = { cluster: sample(), name: "shop", namespace: "retail" };
  expectGolden(
    [configMap(context, optionsOf(context.cluster))],
    join(__dirname, "testdata", "smallest.yaml"),
  );
});

test("a pool with other memory has a my.cnf of its own", () => {
  const readReplicas = [{ name: "reports", resources: { requests: { memory: "4Gi" } } }];
  const cluster = sample({ readReplicas, config: { innodb_buffer_pool_size: "50%" } });
  const { data } = configMap({ cluster, name: "shop", namespace: "retail" }, optionsOf(cluster));
  expect(data["my.cnf"]).toContain(`innodb_buffer_pool_size = ${GIB / 2}\n`);
  expect(data["pool-reports.cnf"]).toContain(`innodb_buffer_pool_size = ${2 * GIB}\n`);
});

test("the user's options win over the defaults, in any spelling", () => {
  const config = {
    "Max-Connections": 800,
    innodb_buffer_pool_size: "70%",
    skip_name_resolve: true,
    general_log: false,
  };
  expect(effective(config, 16 * GIB)).toMatchObject({
    max_connections: "800",
    innodb_buffer_pool_size: String(11468 * 1024 ** 2),
    skip_name_resolve: "ON",
    general_log: "OFF",
  });
});

test.each([
  { memory: 0.25 * GIB, pool: 128, connections: "50" },
  { memory: GIB, pool: 512, connections: "100" },
  { memory: 64 * GIB, pool: 32768, connections: "1000" },
])("defaults for $memory bytes", ({ memory, pool, connections }) => {
  const options = effective({}, memory);
  expect(options["innodb_buffer_pool_size"]).toBe(String(pool * 1024 ** 2));
  expect(options["max_connections"]).toBe(connections);
});

test("a value cannot bring a line of its own into my.cnf", () => {
  const context = { cluster: sample(), name: "shop", namespace: "retail" };
  const options = effective({ init_connect: "x\nserver_id = 7" }, GIB);
  const text = configMap(context, { options, poolOptions: {} }).data["my.cnf"] ?? "";
  expect(text).not.toMatch(/^server_id/m);
});

test("what goes online is what SET GLOBAL takes", () => {
  const online = onlineOptions({
    innodb_buffer_pool_size: "512M",
    innodb_page_cleaners: "4",
    sql_mode: "ANSI",
    nonsense: "1",
  });
  expect(online).toEqual({ innodb_buffer_pool_size: "536870912", sql_mode: "ANSI" });
});

test.each([
  {
    name: "nothing changed",
    started: { max_connections: "5" },
    wanted: { max_connections: "5" },
    options: [],
  },
  {
    name: "dynamic: online",
    started: { max_connections: "5" },
    wanted: { max_connections: "6" },
    options: [],
  },
  { name: "dynamic, new: online", started: {}, wanted: { max_connections: "6" }, options: [] },
  {
    name: "dynamic, removed: its value stays until then",
    started: { sql_mode: "" },
    wanted: {},
    options: ["sql_mode"],
  },
  { name: "static", started: {}, wanted: { innodb_page_cleaners: "4" }, options: ["innodb_page_cleaners"] },
  { name: "unknown: not wrong, only slower", started: {}, wanted: { new_one: "1" }, options: ["new_one"] },
])("a restart is needed for: $name", ({ started, wanted, options }) => {
  expect(restartNeeded(started as never, wanted as never)).toEqual(options);
});

test("an annotation that somebody spoilt is no options", () => {
  expect(parseOptions("{")).toBeUndefined();
  expect(parseOptions(undefined)).toBeUndefined();
  expect(parseOptions('{"a":"1"}')).toEqual({ a: "1" });
});
