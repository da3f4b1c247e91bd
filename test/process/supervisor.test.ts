/** The supervisor as a process, with a script for mysqld: what PID 1 must do whatever its children do. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { waitFor } from "./mysqld";

const REPOSITORY = join(__dirname, "..", "..");
let directory: string;
let supervisor: ChildProcess;
let output = "";
let socket: Socket | undefined;
let answers: Record<string, unknown>[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "supervisor-"));
  output = "";
  answers = [];
});
afterEach(async () => {
  socket?.destroy();
  if (supervisor.exitCode === null) supervisor.kill("SIGKILL");
  await rm(directory, { recursive: true, force: true });
});

/** `agent` is a shell line. */
async function start(agent: string, env: Record<string, string> = {}): Promise<void> {
  const all = {
    ...process.env,
    PORPOISE_SUPERVISOR_SOCKET: join(directory, "sup.sock"),
    PORPOISE_AGENT_COMMAND: JSON.stringify(["/bin/sh", "-c", agent]),
    PORPOISE_WATCHDOG_GRACE_MS: "300",
    PORPOISE_SHUTDOWN_LIMIT_MS: "1500",
    ...env,
  };
  const main = join(REPOSITORY, "agent/supervisor/main.ts");
  supervisor = spawn(process.execPath, ["--import", "tsx", main], { env: all, cwd: REPOSITORY });
  for (const stream of [supervisor.stdout, supervisor.stderr])
    stream?.setEncoding("utf8").on("data", (text: string) => (output += text));
  await waitFor("the supervisor", () => output.includes("agent started"));
}

async function connect(): Promise<void> {
  socket = createConnection(join(directory, "sup.sock"));
  socket.on("error", () => undefined);
  let rest = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    answers.push(...lines.map((line) => JSON.parse(line) as Record<string, unknown>));
  });
  await new Promise((resolve) => socket?.once("connect", resolve));
}

let lastId = 0;
async function ask(request: object): Promise<Record<string, unknown>> {
  const id = (lastId += 1);
  socket?.write(`${JSON.stringify({ ...request, id })}\n`);
  await waitFor("an answer", () => answers.some((answer) => answer["id"] === id));
  return answers.find((answer) => answer["id"] === id) ?? {};
}
/** A shell line in mysqld's place; answers its pid. */
async function startMysqld(line: string, remove: string[] = []): Promise<number> {
  const request = { do: "start", kind: "serve", command: "/bin/sh", args: ["-c", line], env: {}, remove };
  const { state } = await ask(request);
  return Number((state as Record<string, unknown>)["pid"]);
}
const exit = (): unknown => answers.find((answer) => answer["notice"] === "exit")?.["exit"];

test("the end of mysqld is reported at once, with how it ended", async () => {
  await start("sleep 60");
  await connect();
  const pid = await startMysqld('echo "parent is $MYSQLD_PARENT_PID"; exit 16');
  await waitFor("the exit", () => exit() !== undefined);
  expect(exit()).toEqual({ pid, kind: "serve", code: 16, signal: null, wanted: false, watchdog: false });
  expect(output).toContain(`mysqld | parent is ${supervisor.pid}`);
});

test("a stale socket and its lock are removed before mysqld starts", async () => {
  const lock = join(directory, "s.sock.lock");
  await writeFile(lock, "1\n");
  await start("sleep 60");
  await connect();
  await startMysqld(`test -e ${lock} && exit 1; exit 0`, [lock]);
  await waitFor("the exit", () => exit() !== undefined);
  expect(exit()).toMatchObject({ code: 0 });
});

test("a crashed agent is started again, mysqld is not touched", async () => {
  await start(
    `test -e ${join(directory, "again")} && exec sleep 60; touch ${join(directory, "again")}; sleep 1; exit 1`,
  );
  await connect();
  const pid = await startMysqld("exec sleep 60");
  await waitFor("a second agent", () => output.split("agent started").length === 3);
  const { state } = await ask({ do: "state" });
  expect(state).toMatchObject({ pid, armed: false });
});

test("I7: an armed mysqld without a beat is killed; one that is not armed lives", async () => {
  await start("sleep 60");
  await connect();
  const pid = await startMysqld("exec sleep 60");
  await ask({ do: "arm", armed: true });
  await ask({ do: "arm", armed: false });
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(exit()).toBeUndefined();
  await ask({ do: "arm", armed: true });
  await waitFor("the watchdog", () => exit() !== undefined);
  expect(exit()).toEqual({
    pid,
    kind: "serve",
    code: null,
    signal: "SIGKILL",
    wanted: false,
    watchdog: true,
  });
});

test("I7: the lease of an agent that is gone still runs out", async () => {
  await start("sleep 60");
  await connect();
  await startMysqld("exec sleep 60");
  await ask({ do: "arm", armed: true });
  socket?.write(`${JSON.stringify({ do: "beat", forMs: 800 })}\n`);
  const started = performance.now();
  await ask({ do: "state" });
  socket?.destroy();
  await waitFor("the watchdog", () => output.includes("watchdog: no beat"));
  expect(performance.now() - started).toBeGreaterThan(600);
});

test("SIGTERM asks the agent to shut down; its end is the end, and mysqld is killed, never asked", async () => {
  await start("sleep 60");
  await connect();
  await startMysqld(`trap 'touch ${directory}/asked' TERM; while :; do sleep 0.05; done`);
  supervisor.kill("SIGTERM");
  await waitFor("the notice", () => answers.some((answer) => answer["notice"] === "shutdown"));
  await waitFor("the end", () => supervisor.exitCode !== null);
  expect(supervisor.exitCode).toBe(0);
  expect(output).toContain("shutdown: time is up");
  expect(output).toMatch(/mysqld \d+ ended: SIGKILL/);
  await expect(rm(join(directory, "asked"))).rejects.toThrow(/ENOENT/);
});

test("an agent that ends in time ends the supervisor in time", async () => {
  await start(`while ! test -e ${join(directory, "end")}; do sleep 0.05; done`, {
    PORPOISE_SHUTDOWN_LIMIT_MS: "60000",
  });
  await connect();
  supervisor.kill("SIGTERM");
  await waitFor("the notice", () => answers.some((answer) => answer["notice"] === "shutdown"));
  await writeFile(join(directory, "end"), "");
  await waitFor("the end", () => supervisor.exitCode !== null);
  expect(output).not.toContain("time is up");
});

/** What a killed mysqld is while its memory is freed: the first thread has ended, another holds the process. */
const LEADERLESS = `#include <pthread.h>
#include <unistd.h>
static void *stay(void *none) { sleep(60); return none; }
int main(void) { pthread_t t; pthread_create(&t, 0, stay, 0); usleep(200000); pthread_exit(0); }`;

test("an armed mysqld that is dying is reported before it is reaped; what comes next waits until it is", async () => {
  await writeFile(join(directory, "dying.c"), LEADERLESS);
  execFileSync("gcc", ["-pthread", "-o", join(directory, "dying"), join(directory, "dying.c")]);
  await start("sleep 60");
  await connect();
  const pid = await startMysqld(`exec ${join(directory, "dying")}`);
  socket?.write(`${JSON.stringify({ do: "beat", forMs: 60_000 })}\n`);
  await ask({ do: "arm", armed: true });
  await waitFor("the exit", () => exit() !== undefined);
  expect(exit()).toMatchObject({ pid, code: null, signal: "dying", wanted: false, watchdog: false });
  expect(await ask({ do: "gone" })).toMatchObject({ ok: true, state: { armed: false } });
  expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  await startMysqld("exec sleep 60");
  expect(answers.filter((answer) => answer["notice"] === "exit")).toHaveLength(1);
});

test("a second mysqld is refused", async () => {
  await start("sleep 60");
  await connect();
  await startMysqld("exec sleep 60");
  const request = { do: "start", kind: "serve", command: "/bin/true", args: [], env: {}, remove: [] };
  expect(await ask(request)).toMatchObject({ ok: false, error: expect.stringMatching(/runs already/) });
});
