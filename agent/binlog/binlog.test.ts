/** Files of mysqld 9.7.4 (testdata/) and files built here, byte by byte, for what a server does not write on demand. */
import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseGtidSet } from "../../api/gtid";
import { cutTail } from "./cut";
import { scanFile, type Transaction } from "./scan";
import { filesWithErrant, findTail } from "./tail";

const A = "aaaaaaaa-0000-0000-0000-000000000001";
const B = "bbbbbbbb-0000-0000-0000-000000000002";
const SERVER = "03e720b1-e5ba-11f1-ab5e-02fc00000001";
const real = (number: number): string => join(__dirname, "testdata", `tagged.00000${number}`);

let directory: string;
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), "binlog-"))));
afterEach(() => rm(directory, { recursive: true }));

async function transactionsOf(path: string): Promise<Transaction[]> {
  const all: Transaction[] = [];
  await scanFile(path, (transaction) => all.push(transaction) > 0);
  return all;
}

test("a real file: untagged, tagged and foreign GTIDs with their offsets", async () => {
  expect(await transactionsOf(real(1))).toEqual([
    { offset: 158, gtid: `${SERVER}:1` },
    { offset: 334, gtid: `${SERVER}:2` },
    { offset: 528, gtid: `${SERVER}:3` },
    { offset: 793, gtid: `${SERVER}:foo:1` },
    { offset: 1058, gtid: "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa:7" },
  ]);
});

test("a real file: PREVIOUS_GTIDS with tags", async () => {
  const { previous } = await scanFile(real(2), () => true);
  expect(previous).toEqual(parseGtidSet(`${SERVER}:1-3:foo:1,aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa:7`));
});

// ---------------------------------------------------------------- built files

interface Built {
  previous?: string;
  gtids: string[];
  /** Bytes of the event behind each GTID. */
  payload?: number;
}

function event(type: number, body: Buffer): Buffer {
  const header = Buffer.alloc(19);
  header.writeUInt8(type, 4);
  header.writeUInt32LE(19 + body.length + 4, 9);
  return Buffer.concat([header, body, Buffer.alloc(4)]);
}
const uuidBytes = (uuid: string): Buffer => Buffer.from(uuid.replaceAll("-", ""), "hex");
const u64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
function previousEvent(text: string): Buffer {
  const set = [...parseGtidSet(text)];
  const sources = set.map(([uuid, list]) =>
    Buffer.concat([uuidBytes(uuid), u64(list.length), ...list.flatMap(([a, b]) => [u64(a), u64(b + 1)])]),
  );
  return event(35, Buffer.concat([u64(set.length), ...sources]));
}
function gtidEvent(gtid: string): Buffer {
  const [uuid = "", number = ""] = gtid.split(":");
  return event(33, Buffer.concat([Buffer.from([0]), uuidBytes(uuid), u64(Number(number)), Buffer.alloc(20)]));
}
function build({ previous = "", gtids, payload = 50 }: Built): Buffer {
  const description = Buffer.alloc(99);
  description.writeUInt8(1, 98); // CRC32.
  const transactions = gtids.flatMap((gtid) => [gtidEvent(gtid), event(16, Buffer.alloc(payload))]);
  return Buffer.concat([
    Buffer.from("fe62696e", "hex"),
    event(15, description),
    previousEvent(previous),
    ...transactions,
  ]);
}
/** Writes the files and their index; answers the index's path. */
async function logs(...files: (Built | Buffer)[]): Promise<string> {
  const names = files.map((_, at) => `binlog.${String(at + 1).padStart(6, "0")}`);
  for (const [at, file] of files.entries())
    await writeFile(join(directory, names[at] ?? ""), Buffer.isBuffer(file) ? file : build(file));
  const index = join(directory, "binlog.index");
  await writeFile(index, names.map((name) => `./${name}\n`).join(""));
  return index;
}
const keep = (text: string): ReturnType<typeof parseGtidSet> => parseGtidSet(text);

test("nothing to cut when the leader has all", async () => {
  const index = await logs({ previous: `${A}:1-4`, gtids: [`${A}:5`, `${A}:6`] });
  expect(await findTail(index, keep(`${A}:1-9`))).toEqual({ kind: "none" });
});

test("the cut is where the first lacked transaction begins", async () => {
  const gtids = [`${A}:1`, `${A}:2`, `${A}:3`, `${B}:7`];
  const index = await logs({ gtids: [] }, { gtids });
  const tail = await findTail(index, keep(`${A}:1-2`));
  expect(tail).toMatchObject({
    kind: "cut",
    errant: `${A}:3,${B}:7`,
    file: join(directory, "binlog.000002"),
  });
  if (tail.kind !== "cut") throw new Error("not a cut");
  expect((await transactionsOf(tail.file)).find(({ offset }) => offset === tail.offset)?.gtid).toBe(`${A}:3`);
});

const refused: { name: string; files: (Built | Buffer)[]; has: string; says: RegExp; errant: string }[] = [
  {
    name: "an earlier file holds one",
    files: [{ gtids: [`${A}:1`, `${A}:2`] }, { previous: `${A}:1-2`, gtids: [`${A}:3`] }],
    has: `${A}:1`,
    says: /earlier binary log/,
    errant: `${A}:2-3`,
  },
  {
    name: "a wanted one lies behind",
    files: [{ gtids: [`${A}:1`, `${A}:2`, `${B}:1`] }],
    has: `${A}:1,${B}:1`,
    says: /behind/,
    errant: `${A}:2`,
  },
  {
    name: "it is encrypted",
    files: [Buffer.from("fd62696e00", "hex")],
    has: "",
    says: /encrypted/,
    errant: "",
  },
  {
    name: "it is no binary log",
    files: [Buffer.from("hello world")],
    has: "",
    says: /not a binary log/,
    errant: "",
  },
  {
    name: "it was torn at birth",
    files: [build({ gtids: [] }).subarray(0, 100)],
    has: "",
    says: /PREVIOUS/,
    errant: "",
  },
];
test.each(refused)("a cut is refused when $name", async ({ files, has, says, errant }) => {
  const tail = await findTail(await logs(...files), keep(has));
  expect(tail).toMatchObject({ kind: "impossible", errant });
  expect(tail.kind === "impossible" && tail.reason).toMatch(says);
});

test("a torn last event is no transaction", async () => {
  const whole = build({ gtids: [`${A}:1`, `${A}:2`] });
  const torn = whole.subarray(0, whole.length - (19 + 50 + 4) - 10); // In the GTID event of A:2.
  expect(await findTail(await logs(torn), keep(`${A}:1`))).toEqual({ kind: "none" });
});

test("names the files that hold what the leader lacks", async () => {
  const index = await logs(
    { gtids: [`${A}:1`] },
    { previous: `${A}:1`, gtids: [`${A}:2`] },
    { previous: `${A}:1-2`, gtids: [`${A}:3`] },
    { previous: `${A}:1-3`, gtids: [`${A}:4`] },
  );
  const bad = await filesWithErrant(index, keep(`${A}:1:3`));
  expect(bad.map((file) => file.slice(-6))).toEqual(["000002", "000004"]);
});

test("the cut saves the tail as a readable log that names its GTIDs, then truncates", async () => {
  const index = await logs({ gtids: [`${A}:1`, `${A}:2`, `${A}:3`] });
  const tail = await findTail(index, keep(`${A}:1`));
  if (tail.kind !== "cut") throw new Error("not a cut");
  const discarded = join(directory, "discarded");
  const { file } = await cutTail(tail, { directory: discarded, serverUuid: A, at: new Date(0) });

  expect((await stat(tail.file)).size).toBe(tail.offset);
  expect((await transactionsOf(tail.file)).map(({ gtid }) => gtid)).toEqual([`${A}:1`]);
  expect(await findTail(index, keep(`${A}:1`))).toEqual({ kind: "none" });
  expect((await readdir(discarded)).sort()).toEqual([
    `1970-01-01T00-00-00-000Z-${A}.binlog`,
    `1970-01-01T00-00-00-000Z-${A}.json`,
  ]);
  expect(JSON.parse(await readFile(file.replace(/binlog$/, "json"), "utf8"))).toMatchObject({
    gtids: `${A}:2-3`,
  });
  const saved = await readFile(file);
  expect(saved.subarray(0, 5)).toEqual(build({ gtids: [] }).subarray(0, 5));
  expect(saved.includes(uuidBytes(A))).toBe(true);
});

test("a real tagged transaction is cut by its tag", async () => {
  await copyFile(real(1), join(directory, "binlog.000001"));
  const index = join(directory, "binlog.index");
  await writeFile(index, "./binlog.000001\n");
  const tail = await findTail(index, keep(`${SERVER}:1-3`));
  expect(tail).toMatchObject({
    kind: "cut",
    offset: 793,
    errant: `${SERVER}:foo:1,aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa:7`,
  });
});

test("a file of 200 MB is walked in bounded memory", { timeout: 30_000 }, async () => {
  const gtids = Array.from({ length: 40 }, (_, at) => `${A}:${at + 1}`);
  const index = await logs({ gtids, payload: 5_000_000 });
  const before = process.memoryUsage().rss;
  expect(await findTail(index, keep(`${A}:1-39`))).toMatchObject({ kind: "cut", errant: `${A}:40` });
  expect(process.memoryUsage().rss - before).toBeLessThan(50_000_000);
});
