/** What must never tell a client OK, and what must kill a mysqld: agent.md, Fencing and the ways of semi-sync. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Connection } from "mysql2/promise";
import { BOOT_MS, CLUSTER, Lab, pause, SECRETS, waitFor, type Member } from "./mysqld";

let lab: Lab;
let a: Member;
let b: Member;

beforeEach(async () => {
  lab = await Lab.open();
  a = await (
    await lab.member(1, { graceMs: 600_000, limits: { fenceMs: 2_000, stalledMs: 1_500 } })
  ).fromTemplate();
  b = await (await lab.member(2)).fromTemplate();
  await Promise.all([a, b].map((member) => member.run(0, { verb: "startMysqld" }, BOOT_MS)));
  await a.run(1, { verb: "drain" });
  await a.run(1, { verb: "arm", k: 1 });
  await follow();
  await a.run(1, { verb: "barrier", clusterId: CLUSTER });
  await a.mysql.watchdog(true);
  await a.run(1, { verb: "open" });
  await waitFor("the application's account", async () => {
    const rows = await a.sql("SELECT 1 FROM porpoise.account WHERE name = 'app:app'");
    return rows.length > 0;
  });
  await a.sql("CREATE TABLE app.t (id INT PRIMARY KEY)");
}, 300_000);
afterEach(() => lab.close());

async function follow(): Promise<void> {
  const verb = {
    leader: a.id,
    electedSet: "",
    leaderUuid: await a.uuid(),
    clusterId: CLUSTER,
    markers: "",
    acknowledge: true,
  };
  await b.run(1, { verb: "follow", ...verb });
}

/** Commits that wait for an acknowledgement that does not come; what each client was told in the end. */
async function waiters(clients: Connection[]): Promise<{ answers: string[]; done: Promise<unknown> }> {
  await b.run(1, { verb: "stopReceiver" });
  const answers: string[] = [];
  const done = Promise.all(
    clients.map((client, at) =>
      client.query(`INSERT INTO app.t VALUES (${at + 1})`).then(
        () => answers.push("OK"),
        () => answers.push("error"),
      ),
    ),
  );
  await waitFor("waiting commits", async () => {
    const list = await a.sql("SHOW PROCESSLIST");
    const states = list.filter((row) => /semi-sync ACK|handler commit/.test(String(row["State"])));
    return states.length >= clients.length;
  });
  return { answers, done };
}

test("I2: a fence with waiters, root among them, cuts all clients without an OK and kills mysqld", async () => {
  const clients = [
    await a.connect(SECRETS.app),
    await a.connect(SECRETS.app),
    await a.connect(SECRETS.root, true),
  ];
  const { answers, done } = await waiters(clients);
  const from = a.events.length;
  const started = performance.now();
  expect(await a.run(2, { verb: "fence" })).toEqual({ type: "fenced", term: 2, killed: true });
  console.log(`fence with waiters: ${Math.round(performance.now() - started)} ms`);
  await done;
  expect(answers).toEqual(["error", "error", "error"]);
  await a.exited(from);
});

test("a fence without waiters keeps mysqld, closed; it can follow then", async () => {
  const root = await a.connect(SECRETS.root, true);
  const fenced = await a.run(2, { verb: "fence" });
  expect(fenced, a.logged.at(-1)).toEqual({ type: "fenced", term: 2, killed: false });
  await expect(root.query("SELECT 1")).rejects.toThrow();
  const row = (
    await a.sql("SELECT @@super_read_only r, @@offline_mode o, @@rpl_semi_sync_source_enabled s")
  )[0];
  expect(row).toEqual({ r: 1, o: 1, s: 0 });
  expect(await a.run(2, { verb: "fence" })).toEqual({ type: "fenced", term: 2, killed: false });
});

test("I2: stop never asks an open mysqld politely: SIGTERM would tell every waiter OK", async () => {
  const { answers, done } = await waiters([await a.connect(SECRETS.app), await a.connect(SECRETS.app)]);
  await a.mysql.stop({ clean: true, limitMs: 5_000 });
  await done;
  expect(answers).toEqual(["error", "error"]);
});

test("I5: semi-sync switched off on an open leader is the end of its mysqld", async () => {
  const from = a.events.length;
  // The killer may be quicker than the answer.
  await a.sql("SET GLOBAL rpl_semi_sync_source_enabled=OFF").catch(() => undefined);
  await a.exited(from);
  expect(a.logged.join("\n")).toMatch(/semi-sync went off/);
});

test("a lost acknowledgement is nudged: the commit comes back though the ack never does", async () => {
  // The receiver keeps what came; its acknowledgement is lost with the connection (mysql-facts D).
  const client = await a.connect(SECRETS.app);
  await b.run(1, { verb: "stopReceiver" });
  let answered = false;
  const commit = client.query("INSERT INTO app.t VALUES (1)").then(() => (answered = true));
  await pause(200);
  expect(answered).toBe(false);
  // Received without acknowledging, then acknowledging: nothing acknowledges the position itself any more.
  const verb = { leader: a.id, electedSet: "", leaderUuid: await a.uuid(), clusterId: CLUSTER, markers: "" };
  await b.run(1, { verb: "follow", ...verb, acknowledge: false });
  await waitFor("b has it", async () => (await b.sql("SELECT id FROM app.t")).length === 1);
  expect(answered).toBe(false);
  const started = performance.now();
  await b.run(1, { verb: "follow", ...verb, acknowledge: true });
  await commit;
  console.log(`nudged after ${Math.round(performance.now() - started)} ms`);
  expect(performance.now() - started).toBeLessThan(5_000);
});

test("I7: an armed mysqld dies when the agent stops beating, and not before", async () => {
  await a.mysql.watchdog(false);
  await a.mysql.watchdog(true); // The grace of this supervisor is long: only beats count.
  await a.end();
  lab = await replaced();
  const from = a.events.length;
  a.mysql.beat(performance.now() + 1_500);
  await a.mysql.watchdog(true);
  const started = performance.now();
  await pause(700);
  a.mysql.beat(performance.now() + 1_500);
  await a.exited(from);
  expect(performance.now() - started).toBeGreaterThan(2_000);
  expect(performance.now() - started).toBeLessThan(6_000);
  expect(a.logged.join("\n")).toMatch(/watchdog: no beat/);
});

/** A lab with one closed member under a supervisor of a short grace. */
async function replaced(): Promise<Lab> {
  await lab.close();
  const fresh = await Lab.open();
  a = await (await fresh.member(1, { graceMs: 100 })).fromTemplate();
  await a.run(0, { verb: "startMysqld" }, BOOT_MS);
  return fresh;
}

test("a superseded verb ends as failed and its statement is gone from the server", async () => {
  await b.run(1, { verb: "stopReceiver" });
  const ending = a.tryRun(1, { verb: "mark", to: b.id, marker: `${CLUSTER.slice(0, -1)}e:1000001` });
  await waitFor("the mark waits", async () =>
    (await a.sql("SHOW PROCESSLIST")).some((row) => /semi-sync ACK/.test(String(row["State"]))),
  );
  a.mysql.supersede(2);
  expect(await ending).toMatchObject({
    type: "failed",
    verb: "mark",
    reason: expect.stringMatching(/superseded/),
  });
  expect(await a.tryRun(1, { verb: "open" })).toMatchObject({ type: "failed", verb: "open" });
});

test("a receiver that ended by itself is told, once", async () => {
  const from = b.events.length;
  await b.sql("STOP REPLICA IO_THREAD"); // Behind the port's back.
  const lost = (): unknown[] => b.events.slice(from).filter(({ type }) => type === "receiverLost");
  await waitFor("receiverLost", () => lost().length > 0);
  await pause(600);
  expect(lost()).toEqual([{ type: "receiverLost", term: 1, purged: false }]);
});

test("what the leader has purged ends follow as receiverLost: only a clone helps", async () => {
  await b.run(1, { verb: "stopReceiver" });
  await a.run(1, { verb: "arm", k: 0 }); // So that a can write alone here.
  await a.sql("INSERT INTO app.t VALUES (50)");
  await a.sql("FLUSH BINARY LOGS");
  const files = await a.sql("SHOW BINARY LOGS");
  await a.sql(`PURGE BINARY LOGS TO '${String(files.at(-1)?.["Log_name"])}'`);
  const verb = {
    leader: a.id,
    electedSet: "",
    leaderUuid: await a.uuid(),
    clusterId: CLUSTER,
    markers: "",
    acknowledge: true,
  };
  const from = b.events.length;
  b.mysql.start(1, { verb: "follow", ...verb });
  await waitFor("the end", () =>
    b.events.slice(from).some(({ type }) => ["receiverLost", "failed"].includes(type)),
  );
  const end = b.events.slice(from).find(({ type }) => ["receiverLost", "failed"].includes(type));
  expect(end).toEqual({ type: "receiverLost", term: 1, purged: true });
});

test("commits that wait too long are told as stalled", async () => {
  const { done } = await waiters([await a.connect(SECRETS.app)]);
  await waitFor("stalled", () => a.events.some(({ type }) => type === "stalled"));
  expect(a.events.filter(({ type }) => type === "stalled")).toEqual([{ type: "stalled", term: 1 }]);
  await a.run(2, { verb: "fence" });
  await done;
});

test("quiesce closes the gate and waits until no commit waits", async () => {
  const client = await a.connect(SECRETS.app);
  const { answers, done } = await waiters([client]);
  const from = a.events.length;
  const quiesced = a.run(1, { verb: "quiesce" });
  await done;
  expect(answers).toEqual(["error"]); // Cut, though its commit may still be acknowledged.
  await pause(300);
  expect(a.events.slice(from).some(({ type }) => type === "quiesced")).toBe(false);
  await follow();
  expect(await quiesced).toMatchObject({ type: "quiesced", executed: await a.executed() });
});

test("an agent that is restarted finds mysqld as it was", async () => {
  const pid = await a.pid();
  await a.attach();
  expect(await a.mysql.inspect()).toEqual({ mysqld: "running", writable: true, unsafeData: false });
  expect(await a.pid()).toBe(pid);
  expect(await a.run(2, { verb: "startMysqld" })).toMatchObject({ type: "mysqldReady" });
  expect(await a.pid()).toBe(pid);
});
