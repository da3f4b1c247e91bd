import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { dataUnsafe, newRecord, NEW_HOST, parseRecord } from "./record";
import { openStore } from "./store";

let directory: string;
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), "store-"))));
afterEach(() => rm(directory, { recursive: true }));
const file = (): string => join(directory, "state.json");

test("an empty volume is a new member, and the same member ever after", async () => {
  const { durable } = await openStore(directory, "shop-0");
  expect(durable.memberId).toMatch(/^shop-0\.[0-9a-f]{8}$/);
  expect((await openStore(directory, "shop-0")).durable).toEqual(durable);
});

test("I3, I4: what save has promised is read back", async () => {
  const store = await openStore(directory, "shop-0");
  const config = { term: 3, version: 1, voters: ["a", "b"], witnesses: [], k: 1 };
  const durable = { ...store.durable, term: 7, vote: "shop-1.00000000", config, tail: true };
  await store.save(durable);
  const again = await openStore(directory, "shop-0");
  expect(again.durable).toEqual(durable);
  expect(await readdir(directory)).toEqual(["state.json"]);
});

test("the two parts do not overwrite each other", async () => {
  const store = await openStore(directory, "shop-0");
  const host = { bootId: "b1", relaxed: true, running: true };
  await Promise.all([store.save({ ...store.durable, term: 4 }), store.saveHost(host)]);
  const again = await openStore(directory, "shop-0");
  expect([again.durable.term, again.host]).toEqual([4, host]);
});

const damaged: { name: string; change: (text: string) => string; says: RegExp }[] = [
  { name: "empty file", change: () => "", says: /not JSON/ },
  { name: "half a file", change: (text) => text.slice(0, 80), says: /not JSON/ },
  { name: "a later format", change: (text) => text.replace('"format": 1', '"format": 2'), says: /format 2/ },
  {
    name: "no term",
    change: (text) => text.replace('"term"', '"trem"'),
    says: /"term", expected a whole number/,
  },
  {
    name: "a negative term",
    change: (text) => text.replace('"term": 0', '"term": -1'),
    says: /-1 in "term"/,
  },
  {
    name: "no member id",
    change: (text) => text.replace(/"memberId": "[^"]*"/, '"memberId": ""'),
    says: /memberId/,
  },
  {
    name: "no GTID set",
    change: (text) => text.replace('"quarantined": ""', '"quarantined": "x"'),
    says: /quarantined/,
  },
  { name: "a list", change: () => "[]", says: /no object "state"/ },
];
test.each(damaged)("refuses to start on $name and leaves the file as it is", async ({ change, says }) => {
  await openStore(directory, "shop-0");
  const broken = change(await readFile(file(), "utf8"));
  await writeFile(file(), broken);
  await expect(openStore(directory, "shop-0")).rejects.toThrow(says);
  expect(await readFile(file(), "utf8")).toBe(broken);
});

test("a record survives the way to text and back", () => {
  const record = newRecord("shop-2", "0123abcd");
  expect(parseRecord(JSON.stringify(record))).toEqual(record);
});

test.each([
  { name: "never started", host: NEW_HOST, unsafe: false },
  { name: "power cut while relaxed", host: { bootId: "old", relaxed: true, running: true }, unsafe: true },
  { name: "crash of the process only", host: { bootId: "now", relaxed: true, running: true }, unsafe: false },
  {
    name: "clean stop, then a reboot",
    host: { bootId: "old", relaxed: true, running: false },
    unsafe: false,
  },
  {
    name: "power cut of one that flushes",
    host: { bootId: "old", relaxed: false, running: true },
    unsafe: false,
  },
])("data is unsafe only after a power cut while relaxed: $name", ({ host, unsafe }) => {
  expect(dataUnsafe(host, "now")).toBe(unsafe);
});
