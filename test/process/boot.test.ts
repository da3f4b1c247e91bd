/** How mysqld boots, whatever a user or a DBA wrote. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { BOOT_MS, Lab, type Member } from "./mysqld";

let lab: Lab;
let member: Member;
const USER =
  "[mysqld]\noffline-mode=OFF\nloose_super_read_only=0\nrelay-log-recovery=ON\nskip-log-bin\nmax_connections=77\n";
const CLOSED = { ro: 1, offline: 1, recovery: 0, bin: 1, semi: 0 };
const READ =
  "SELECT @@super_read_only ro, @@offline_mode offline, @@relay_log_recovery recovery, @@log_bin bin, @@rpl_semi_sync_source_enabled semi";

beforeAll(async () => {
  lab = await Lab.open();
  member = await (await lab.member(1, { userConfig: USER })).fromTemplate();
}, 300_000);
afterAll(() => lab.close());

test("our options win over the user's", async () => {
  await member.run(0, { verb: "startMysqld" }, BOOT_MS);
  expect((await member.sql(READ))[0]).toEqual(CLOSED);
});

test("SET PERSIST does not open the next boot; a clean stop is noted as clean", async () => {
  await member.sql("SET PERSIST offline_mode=OFF");
  await member.sql("SET PERSIST super_read_only=OFF");
  await member.sql("SET GLOBAL super_read_only=ON");
  expect(member.store.host).toMatchObject({ running: true });
  await member.mysql.stop({ clean: true, limitMs: BOOT_MS });
  expect(member.store.host).toMatchObject({ running: false });
  await member.run(0, { verb: "startMysqld" }, BOOT_MS);
  expect((await member.sql(READ))[0]).toEqual(CLOSED);
});

test("an initialise that was interrupted is begun again", async () => {
  const fresh = await lab.member(2);
  const from = fresh.logged.length;
  fresh.mysql.start(0, { verb: "startMysqld" });
  await new Promise((resolve) => setTimeout(resolve, 400));
  const pid = /mysqld started, pid (\d+) \(initialise\)/.exec(fresh.logged.slice(from).join("\n"))?.[1];
  process.kill(Number(pid), "SIGKILL");
  await fresh.event("the failure", (event): event is typeof event => event.type === "failed", { from: 0 });
  expect(await fresh.run(0, { verb: "startMysqld" }, BOOT_MS)).toMatchObject({
    type: "mysqldReady",
    received: "",
  });
});
