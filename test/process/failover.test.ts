/** A failover verb by verb, on three real mysqlds: what agent.md promises of Promotion and The ex-primary. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { containsGtid, parseGtidSet } from "../../api/gtid";
import type { GtidText } from "../../api/gtid";
import { BOOT_MS, CLUSTER, Lab, SECRETS, waitFor, type Member } from "./mysqld";

let lab: Lab;
let a: Member;
let b: Member;
let c: Member;
const phases: Record<string, number> = {};

beforeAll(async () => {
  lab = await Lab.open();
  a = await (await lab.member(1)).fromTemplate();
  b = await (await lab.member(2)).fromTemplate();
  c = await (await lab.member(3)).fromTemplate();
}, 300_000);
afterAll(() => lab.close());

interface Led {
  leader: Member;
  followers: Member[];
  term: number;
  electedSet: GtidText;
}

/** The winner's part of a promotion up to the opening, and the followers' re-point beside it. */
async function promote({ leader, followers, term, electedSet }: Led): Promise<void> {
  const started = performance.now();
  const lap = (name: string): void =>
    void (phases[`${term} ${name}`] = Math.round(performance.now() - started));
  await leader.run(term, { verb: "drain" });
  lap("drained");
  await leader.run(term, { verb: "arm", k: 1 });
  const leaderUuid = await leader.uuid();
  await Promise.all(
    followers.map(async (follower) => {
      const verb = {
        leader: leader.id,
        electedSet,
        leaderUuid,
        clusterId: CLUSTER,
        markers: "",
        acknowledge: true,
      };
      expect(await follower.run(term, { verb: "follow", ...verb })).toEqual({ type: "followed", term });
    }),
  );
  lap("followed");
  await leader.run(term, { verb: "barrier", clusterId: CLUSTER });
  lap("barrier");
  await leader.mysql.watchdog(true);
  leader.mysql.beat(performance.now() + 600_000);
  await leader.run(term, { verb: "open" });
  lap("open");
}

async function checksums(member: Member): Promise<unknown[]> {
  const tables = await member.sql(
    "SELECT CONCAT('`', table_schema, '`.`', table_name, '`') t FROM information_schema.tables WHERE table_schema IN ('app', 'porpoise') ORDER BY 1",
  );
  return member.sql(`CHECKSUM TABLE ${tables.map((row) => String(row["t"])).join(", ")}`);
}

async function caughtUp(leader: Member, followers: Member[]): Promise<void> {
  const wanted = parseGtidSet(await leader.executed());
  for (const follower of followers)
    await waitFor(`${follower.id} has all`, async () =>
      containsGtid(parseGtidSet(await follower.executed()), wanted),
    );
}

test("three empty members boot closed, equal and without a GTID", async () => {
  const boots = await Promise.all([a, b, c].map((member) => member.run(0, { verb: "startMysqld" }, BOOT_MS)));
  for (const ready of boots) expect(ready).toMatchObject({ type: "mysqldReady", received: "" });
  const row = (
    await a.sql("SELECT @@super_read_only r, @@offline_mode o, @@rpl_semi_sync_source_enabled s")
  )[0];
  expect(row).toEqual({ r: 1, o: 1, s: 0 });
  const users = await a.sql("SELECT user FROM mysql.user WHERE user NOT LIKE 'mysql.%' ORDER BY 1");
  expect(users.map((user) => user["user"])).toEqual(["porpoise", "porpoise_repl"]);
});

test("the first term: armed, barrier acknowledged, open; accounts are made and replicated", async () => {
  await promote({ leader: a, followers: [b, c], term: 1, electedSet: "" });
  expect(parseGtidSet(await a.executed()).get(CLUSTER)).toEqual([[1, 1]]);
  await waitFor("the application's account", async () => {
    const rows = await c.sql("SELECT 1 FROM mysql.user WHERE user = 'app'");
    return rows.length > 0;
  });
  const app = await a.connect(SECRETS.app);
  await app.query("CREATE TABLE app.t (id INT PRIMARY KEY, v VARCHAR(20))");
  await app.query("INSERT INTO app.t VALUES (1, 'one')");
  app.destroy();
  const root = await a.connect(SECRETS.root, true);
  await expect(root.query("SET GLOBAL rpl_semi_sync_source_enabled=OFF")).rejects.toThrow(/Access denied/);
  await expect(root.query("SET GLOBAL read_only=ON")).rejects.toThrow(/Access denied/);
  await root.query("CREATE USER 'by_root'@'%' IDENTIFIED BY 'x'");
  await root.query("GRANT SELECT ON app.* TO 'by_root'@'%'");
  root.destroy();
});

test("a barrier is never tried twice", async () => {
  const end = await a.tryRun(1, { verb: "barrier", clusterId: CLUSTER });
  expect(end).toMatchObject({ type: "failed", reason: expect.stringMatching(/tried before/) });
  // The session must not be left with a foreign GTID.
  expect(
    await a.run(1, { verb: "mark", to: b.id, marker: `${CLUSTER.slice(0, -1)}e:1000001` }),
  ).toMatchObject({ type: "marked" });
});

test("a marker is held by whoever holds all before it", async () => {
  const marked = await a.run(1, { verb: "mark", to: b.id, marker: `${CLUSTER.slice(0, -1)}e:1000002` });
  if (marked.type !== "marked") throw new Error("no marker");
  expect(marked.marker).toMatch(/^[0-9a-f-]{36}:\d+$/);
  await caughtUp(a, [b]);
  expect(containsGtid(parseGtidSet(await b.executed()), parseGtidSet(marked.marker))).toBe(true);
});

test("I1, I2: SIGKILL with waiting commits; the winner opens with all that was acknowledged and no more", async () => {
  // Votes: both receivers stop, so that what comes now is acknowledged by nobody.
  await Promise.all([b, c].map((member) => member.run(2, { verb: "stopReceiver" })));
  const app = await a.connect(SECRETS.app);
  let answer = "none";
  const hanging = app.query("INSERT INTO app.t VALUES (666, 'tail')").then(
    () => (answer = "OK"),
    () => (answer = "error"),
  );
  await waitFor("a waiting commit", async () =>
    (await a.sql("SHOW PROCESSLIST")).some((row) => /semi-sync ACK/.test(String(row["State"]))),
  );
  const from = a.events.length;
  process.kill(await a.pid(), "SIGKILL");
  await a.exited(from);
  await hanging;
  expect(answer).toBe("error");

  const stopped = await b.run(2, { verb: "stopReceiver" });
  if (stopped.type !== "receiverStopped") throw new Error("not stopped");
  await promote({ leader: b, followers: [c], term: 2, electedSet: stopped.received });
  const writer = await b.connect(SECRETS.app);
  await writer.query("INSERT INTO app.t VALUES (2, 'two')");
  const [rows] = await writer.query("SELECT id FROM app.t ORDER BY id");
  expect(rows).toEqual([{ id: 1 }, { id: 2 }]);
  writer.destroy();
});

test("the ex-primary comes back: tail cut and named, new server UUID, then it follows", async () => {
  const electedSet = (await c.executed()).includes(":") ? await electedSetOf(b) : "";
  const auto = await readFile(join(a.directory, "mysql/auto.cnf"), "utf8");
  const rewound = await a.run(2, { verb: "rewind", electedSet });
  expect(rewound).toMatchObject({ type: "rewound", result: "ok" });
  if (rewound.type !== "rewound") throw new Error("not rewound");
  expect(rewound.errant).toMatch(/^[0-9a-f-]{36}:\d+/);
  const notes = (await readdir(join(a.directory, "discarded"))).filter((name) => name.endsWith(".json"));
  expect(notes).toHaveLength(1);
  expect(JSON.parse(await readFile(join(a.directory, "discarded", notes[0] ?? ""), "utf8"))).toMatchObject({
    gtids: rewound.errant,
  });
  expect(auto).not.toContain(await a.uuid());
  const verb = {
    leader: b.id,
    electedSet,
    leaderUuid: await b.uuid(),
    clusterId: CLUSTER,
    markers: "",
    acknowledge: true,
  };
  expect(await a.run(2, { verb: "follow", ...verb })).toEqual({ type: "followed", term: 2 });
  await caughtUp(b, [a, c]);
  expect(await a.sql("SELECT id FROM app.t ORDER BY id")).toEqual([{ id: 1 }, { id: 2 }]);
});

/** Compares once nothing moves: a nudge that follows a change of semi-sync clients may still come. */
async function expectEqual(leader: Member, followers: Member[]): Promise<void> {
  await waitFor("a moment of rest with equal checksums", async () => {
    const before = await leader.executed();
    await caughtUp(leader, followers);
    const [want, ...got] = await Promise.all([leader, ...followers].map(checksums));
    if ((await leader.executed()) !== before) return false;
    expect(want?.length).toBeGreaterThan(2);
    for (const sums of got) expect(sums).toEqual(want);
    return true;
  });
}

test("I10: at rest all checksums are equal", async () => {
  await expectEqual(b, [a, c]);
});

test("a wiped member is cloned, under a new server UUID, and follows", async () => {
  const before = await c.uuid();
  expect(await c.run(2, { verb: "clone", donor: a.id }, 60_000)).toEqual({ type: "cloned", term: 2 });
  expect(await c.uuid()).not.toBe(before);
  const verb = {
    leader: b.id,
    electedSet: await electedSetOf(b),
    leaderUuid: await b.uuid(),
    clusterId: CLUSTER,
    markers: "",
    acknowledge: true,
  };
  expect(await c.run(2, { verb: "follow", ...verb })).toEqual({ type: "followed", term: 2 });
  await expectEqual(b, [c]);
});

test("I9: a member with a transaction of its own is diverged and serves no reads", async () => {
  await c.run(2, { verb: "stopReceiver" });
  await c.sql("SET GLOBAL super_read_only=OFF");
  await c.sql("INSERT INTO app.t VALUES (777, 'by hand')");
  await c.sql("SET GLOBAL super_read_only=ON");
  const errant = `${await c.uuid()}:1`;
  const verb = {
    leader: b.id,
    electedSet: await electedSetOf(b),
    leaderUuid: await b.uuid(),
    clusterId: CLUSTER,
    markers: "",
    acknowledge: true,
  };
  expect(await c.run(2, { verb: "follow", ...verb })).toEqual({ type: "diverged", term: 2, errant });
  expect((await c.sql("SELECT @@offline_mode o"))[0]).toEqual({ o: 1 });
  await expect(c.connect(SECRETS.app)).rejects.toThrow(/offline mode/);
});

test("prints the phases of the promotions", () => {
  console.log("promotion, ms since its start:", JSON.stringify(phases));
  expect(phases["2 open"]).toBeLessThan(10_000);
});

/** What the leader of term 2 was elected with: all it has but its own term's. */
async function electedSetOf(leader: Member): Promise<GtidText> {
  const stopped = leader.events.filter((event) => event.type === "receiverStopped").at(-1);
  if (stopped?.type !== "receiverStopped") throw new Error("never stopped");
  return stopped.received;
}
