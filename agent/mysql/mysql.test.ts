/** The pure parts: what is sent to mysqld as text, and what is decided about it. */
import { expect, test } from "vitest";
import { parseGtidSet } from "../../api/gtid";
import { openings } from "./boot";
import { renderConfig, type ConfigInput } from "./config";
import { NO_NUDGE, onStatus, type NudgeState, type SemiSyncStatus } from "./nudging";
import { wantedAccounts } from "./provision";
import { listed, victims, waiting } from "./sessions";
import { errantOf, lagMs, leftToApply, onLagSample, receivedOf, type LagSample } from "./sets";
import * as sql from "./sql";

const A = "aaaaaaaa-0000-4000-8000-000000000001";
const B = "bbbbbbbb-0000-4000-8000-000000000002";
const C = "c1c1c1c1-0000-4000-8000-000000000001";

// ---------------------------------------------------------------- my.cnf

const input: ConfigInput = {
  paths: {
    datadir: "/data/mysql",
    run: "/run/mysqld",
    socket: "/run/mysqld/mysqld.sock",
    supervisorSocket: "/run/mysqld/supervisor.sock",
    discarded: "/data/discarded",
    userConfig: "/etc/porpoise/config/my.cnf",
    serverTls: "/etc/porpoise/tls",
  },
  serverId: 7,
  port: 3306,
  bindAddress: "*",
  reportHost: "shop-0-0.shop-instances",
  durability: "process",
};

test("my.cnf: defaults, the user's, ours, in that order", async () => {
  const user = "[mysqld]\nmax_connections=800\nrelay-log-recovery=ON\n";
  await expect(renderConfig(user, input)).toMatchFileSnapshot("testdata/my.cnf");
});

test("durability disk makes an acknowledgement an fsync", () => {
  expect(renderConfig("", { ...input, durability: "disk" })).toContain("\nsync_relay_log=1\n");
});

// ---------------------------------------------------------------- SQL

test("CHANGE REPLICATION SOURCE: verified TLS, never a give-up, auto-position only where it may be", () => {
  const source = { host: "h'1", port: 3306, tls: "/t", autoPosition: false };
  expect(sql.changeSource(source)).toBe(
    "CHANGE REPLICATION SOURCE TO SOURCE_HOST='h\\'1', SOURCE_PORT=3306, SOURCE_BIND='', SOURCE_CONNECT_RETRY=1, SOURCE_RETRY_COUNT=4294967295, SOURCE_HEARTBEAT_PERIOD=1, SOURCE_SSL=1, SOURCE_SSL_CA='/t/ca.crt', SOURCE_SSL_CERT='/t/tls.crt', SOURCE_SSL_KEY='/t/tls.key', SOURCE_SSL_VERIFY_SERVER_CERT=1",
  );
  expect(sql.changeSource({ ...source, autoPosition: true })).toMatch(/, SOURCE_AUTO_POSITION=1$/);
  const late = { ...source, bind: "10.0.0.7", autoPosition: true, delayMs: 1_500 };
  expect(sql.changeSource(late)).toMatch(
    / SOURCE_BIND='10.0.0.7', .*, SOURCE_DELAY=2, SOURCE_AUTO_POSITION=1$/,
  );
});

test("I5: the switch comes last, after all that it needs", () => {
  expect(sql.semiSync(2)).toEqual([
    "SET GLOBAL rpl_semi_sync_source_wait_for_replica_count=2",
    "SET GLOBAL rpl_semi_sync_source_timeout=1000000000000000000",
    "SET GLOBAL rpl_semi_sync_source_wait_no_replica=ON",
    "SET GLOBAL rpl_semi_sync_source_wait_point=AFTER_SYNC",
    "SET GLOBAL rpl_semi_sync_source_enabled=ON",
  ]);
});

const armed = {
  enabled: 1,
  k: 1,
  timeout: "1000000000000000000",
  waitNoReplica: 1,
  waitPoint: "AFTER_SYNC",
  syncBinlog: 1,
  flushLog: 1,
};
test.each([
  { name: "as asked", row: {}, problems: 0 },
  { name: "semi-sync off", row: { enabled: 0 }, problems: 1 },
  { name: "another k", row: { k: 2 }, problems: 1 },
  { name: "a timeout that ends", row: { timeout: "10000" }, problems: 1 },
  { name: "commit before the wait", row: { waitPoint: "AFTER_COMMIT" }, problems: 1 },
  { name: "no wait without replicas", row: { waitNoReplica: 0 }, problems: 1 },
  { name: "lazy flushes", row: { syncBinlog: 0, flushLog: 2 }, problems: 2 },
])("I5: what is read back is checked: $name", ({ row, problems }) => {
  expect(sql.semiSyncProblems({ ...armed, ...row }, 1)).toHaveLength(problems);
});

test("k = 0 asks for semi-sync off and durable flushes, nothing else", () => {
  expect(sql.semiSyncProblems({ ...armed, enabled: 0, k: 1 }, 0)).toEqual([]);
  expect(sql.semiSyncProblems(armed, 0)).toEqual(["enabled is 1, not 0"]);
});

test("root gets nothing that passes the fence or unmakes semi-sync", () => {
  const all = sql.rootAccount({ username: "root", password: "p" }, ["%"]).join(";");
  expect(all).not.toMatch(
    /SUPER|CONNECTION_ADMIN|SYSTEM_USER|VARIABLES_ADMIN|BINLOG_ADMIN|SHUTDOWN|CLONE_ADMIN|ALL ON/,
  );
  expect(all).toMatch(/WITH GRANT OPTION/);
});

test("a database's name is no pattern in its owner's grant", () => {
  const statements = sql.appAccount({ username: "app", password: "p", database: "my_app" });
  expect(statements.at(0)).toBe("CREATE DATABASE IF NOT EXISTS `my_app`");
  expect(statements.at(-1)).toBe("GRANT ALL ON `my\\_app`.* TO 'app'@'%'");
});

test("only what is not reserved is set online, in any spelling", () => {
  const config = {
    "max-connections": "500",
    loose_offline_mode: "OFF",
    "Super-Read-Only": "OFF",
    rpl_semi_sync_source_enabled: "OFF",
    gtid_mode: "OFF",
    "x; DROP": "1",
    sql_mode: "A'B",
  };
  expect(sql.setGlobals(config)).toEqual(["SET GLOBAL max_connections=500", "SET GLOBAL sql_mode='A\\'B'"]);
});

test("an account is made anew when its password or database is another one", () => {
  const app = { username: "app", password: "1", database: "d" };
  const content = (of: typeof app): string | undefined =>
    wantedAccounts({ system: app, app: of }, [])[0]?.content;
  expect(content(app)).toBe(content({ ...app }));
  expect(content({ ...app, password: "2" })).not.toBe(content(app));
  expect(content({ ...app, database: "e" })).not.toBe(content(app));
});

test("what booted open is named", () => {
  expect(openings({ super_read_only: 1, offline_mode: "1" })).toEqual([]);
  expect(openings({ super_read_only: 0, offline_mode: 1, gtid_mode: 0 })).toEqual([
    "super_read_only",
    "gtid_mode",
  ]);
});

// ---------------------------------------------------------------- sets

test("the received set is retrieved and executed together", () => {
  expect(receivedOf({ retrieved: `${A}:3-5`, executed: `${A}:1-3` })).toBe(`${A}:1-5`);
  expect(leftToApply({ retrieved: `${A}:3-5`, executed: `${A}:1-4` })).toBe(true);
  expect(leftToApply({ retrieved: "", executed: `${A}:1-4` })).toBe(false);
});

const leadership = { electedSet: `${A}:1-10,${C}:1-2`, leaderUuid: B, markers: "", clusterId: C, term: 3 };
test.each([
  { name: "nothing beyond", received: `${A}:1-9`, errant: "" },
  { name: "the leader's own writes", received: `${A}:1-10,${B}:1-900`, errant: "" },
  { name: "the leader's tagged writes", received: `${B}:tag:1-3`, errant: "" },
  { name: "the barrier of the term", received: `${C}:1-3`, errant: "" },
  { name: "the barrier of another term", received: `${C}:1-4`, errant: `${C}:4` },
  { name: "a tail of an older leader", received: `${A}:1-12`, errant: `${A}:11-12` },
])("I9: who received what the leader lacks has diverged: $name", ({ received, errant }) => {
  expect(errantOf(received, leadership)).toBe(errant);
});

test("lag is the age of the oldest set that is not executed yet, by the member's own clock", () => {
  let samples: readonly LagSample[] = [];
  const look = (at: number, received: string, executed: string): number => {
    samples = onLagSample(samples, { at, received: parseGtidSet(received) }, parseGtidSet(executed));
    return lagMs(samples, at);
  };
  expect(look(0, `${A}:1`, `${A}:1`)).toBe(0);
  expect(look(200, `${A}:1-5`, `${A}:1`)).toBe(0); // Known for no time yet.
  expect(look(400, `${A}:1-9`, `${A}:1-4`)).toBe(200);
  expect(look(600, `${A}:1-9`, `${A}:1-5`)).toBe(200);
  expect(look(800, `${A}:1-9`, `${A}:1-9`)).toBe(0);
});

// ---------------------------------------------------------------- sessions

const row = (Id: number, User: string, Command: string, State: string | null): Record<string, unknown> => ({
  Id,
  User,
  Command,
  State,
});
const list = [
  row(5, "event_scheduler", "Daemon", "Waiting on empty queue"),
  row(8, "system user", "Query", "Replica has read all relay log"),
  row(9, "porpoise", "Query", "init"),
  row(10, "porpoise_repl", "Binlog Dump GTID", "Source has sent all binlog to replica"),
  row(11, "app", "Query", "Waiting for semi-sync ACK from replica"),
  row(12, "root", "Killed", "waiting for handler commit"),
  row(13, "porpoise_repl", "Query", null),
  row(14, "unauthenticated user", "Connect", "login"),
].map(listed);

test("a fence kills everyone but the agent, replication and the server's own threads", () => {
  expect(victims(list, ["porpoise", "porpoise_repl"])).toEqual([11, 12]);
});

test("waiters are counted in both states, killed ones too", () => {
  expect(waiting(list)).toBe(2);
});

// ---------------------------------------------------------------- nudge

/** Looks every 50 ms; answers the times at which a nudge is written. */
function nudges(looks: Partial<SemiSyncStatus>[]): number[] {
  let state: NudgeState = { ...NO_NUDGE, clients: 2 };
  return looks.flatMap((look, at) => {
    const status = { on: true, clients: 2, waiting: 0, acknowledged: 0, ...look };
    const [next, nudge] = onStatus(state, status, { now: at * 50, nudgeMs: 75 });
    state = next;
    return nudge ? [at * 50] : [];
  });
}
const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

test("no nudge while nothing waits, or while acknowledgements come", () => {
  expect(nudges(times(10, { waiting: 0 }))).toEqual([]);
  expect(nudges(times(10, 0).map((_, at) => ({ waiting: 1, acknowledged: at })))).toEqual([]);
});

test("a commit that waits without progress is nudged, ever more rarely", () => {
  expect(nudges(times(30, { waiting: 1 }))).toEqual([100, 250, 550, 1150]);
});

test("a change of semi-sync clients is nudged at once", () => {
  expect(nudges([{}, { clients: 3 }, { clients: 3 }])).toEqual([50]);
});

test("with no client there is nobody to answer a nudge", () => {
  expect(nudges(times(20, { waiting: 1, clients: 0 }))).toEqual([]);
});
