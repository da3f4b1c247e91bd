/**
 * `make test`: every check there is, fastest first; all of them run even when one fails. Ends with one line that
 * counts: `N passed, N failed`. With arguments only the parts named: check, unit, process, e2e, proof. `proof` takes ten
 * minutes, and is not among those of `make test` alone: `make test PROOF=1`, as CI does.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { countsOf, lastLine, type Counts, type VitestReport } from "./test/counts";

const ROOT = join(__dirname, "..");
const OUT = join(ROOT, "out", "test");

interface Part {
  readonly name: string;
  readonly run: () => Promise<Counts>;
}

const tool = (name: string): string => join(ROOT, "node_modules", ".bin", name);

/** Part → what it runs, in order. */
const PARTS: Record<string, readonly Part[]> = {
  check: [
    check("types", tool("tsc"), ["-p", "tsconfig.check.json"]),
    check("lint", tool("eslint"), ["."]),
    check("format", tool("prettier"), ["--check", "--log-level", "warn", "**/*.ts"]),
    check("build", "npm", ["run", "--silent", "build"]),
  ],
  unit: [vitest("unit", 15)],
  process: [
    check("what the sandbox is made of", tool("tsx"), ["sandbox/main.ts", "build"], 45),
    vitest("process", 15),
  ],
  e2e: [vitest("e2e", 40)],
  // The same seeds in each run; what nobody has seen before is looked for by `make sim FROM=...` and `make faults`.
  proof: [
    check("simulation", tool("tsx"), ["test/sim/main.ts", "--schedules", "100000", "--from", "1"], 20),
    check("real faults", tool("tsx"), ["test/faults/main.ts", "ci"], 15),
  ],
};
const BY_DEFAULT = ["check", "unit", "process", "e2e"];

/** A command that passes when it exits with 0. `minutes`: its time limit. */
function check(name: string, command: string, args: readonly string[], minutes = 10): Part {
  return {
    name,
    run: async () => {
      const code = await run(command, args, minutes);
      return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
    },
  };
}

/** A project of vitest, counted by its JSON report; a report that is missing or empty is a failure. */
function vitest(project: string, minutes: number): Part {
  const report = join(OUT, `${project}.json`);
  return {
    name: project,
    run: async () => {
      rmSync(report, { force: true });
      const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
      const code = await run(tool("vitest"), ["run", "--project", project, ...reporters], minutes);
      const text = existsSync(report) ? readFileSync(report, "utf8") : undefined;
      return countsOf(text === undefined ? undefined : (JSON.parse(text) as VitestReport), code);
    },
  };
}

/** Runs a command with our terminal; ends it at its limit. Returns its exit code. */
function run(command: string, args: readonly string[], minutes: number): Promise<number> {
  return new Promise((done) => {
    // A group of its own, so that a time limit ends what it started, too.
    const env = { ...process.env, VITE_CONFIG_NATIVE_IGNORE_WARNING: "true" };
    const child = spawn(command, args, { cwd: ROOT, stdio: "inherit", detached: true, env });
    const kill = (): void => {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    };
    const timer = setTimeout(() => {
      console.error(`not done after ${minutes} minutes: ${args.join(" ")}`);
      kill();
    }, minutes * 60_000);
    const interrupted = (): void => {
      kill();
      process.exit(130);
    };
    process.once("SIGINT", interrupted).once("SIGTERM", interrupted);
    const end = (code: number | null): void => {
      clearTimeout(timer);
      process.off("SIGINT", interrupted).off("SIGTERM", interrupted);
      done(code ?? 1);
    };
    child.on("error", (cause) => {
      console.error(cause.message);
      end(1);
    });
    child.on("exit", end);
  });
}

async function main(chosen: readonly string[]): Promise<void> {
  const unknown = chosen.filter((name) => !(name in PARTS));
  if (unknown.length > 0)
    throw new Error(`parts are ${Object.keys(PARTS).join(", ")}; got ${unknown.join(", ")}`);
  mkdirSync(OUT, { recursive: true });
  const names = chosen.length > 0 ? chosen : process.env["PROOF"] ? Object.keys(PARTS) : BY_DEFAULT;
  const results: { name: string; counts: Counts; seconds: number }[] = [];
  for (const { name, run: work } of names.flatMap((part) => PARTS[part] ?? [])) {
    console.log(`\n== ${name}`);
    const from = Date.now();
    const counts = await work();
    results.push({ name, counts, seconds: Math.round((Date.now() - from) / 1000) });
  }
  console.log("\n== summary");
  for (const { name, counts, seconds } of results) {
    const { passed, failed } = counts;
    console.log(
      `${failed > 0 ? "FAIL" : "  ok"}  ${name.padEnd(28)} ${passed} passed, ${failed} failed, ${seconds} s`,
    );
  }
  const all = results.map(({ counts }) => counts);
  console.log(lastLine(all));
  process.exitCode = all.some(({ failed }) => failed > 0) ? 1 : 0;
}

main(process.argv.slice(2)).catch((cause: unknown) => {
  console.error(cause instanceof Error ? cause.message : cause);
  process.exitCode = 1;
});
