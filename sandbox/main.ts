import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { CHECKOUT, LOCK_FILE, NODES, paths } from "./config";
import { apiReady } from "./controlplane";
import { leftovers } from "./down";
import { runFault, FAULT_USAGE } from "./faults-cli";
import { loadPorpoise, loadTar, savePorpoise } from "./images";
import { kubectl } from "./kube";
import { holder, holderAlive } from "./lock";
import { say } from "./log";
import { daemonPid } from "./processes";
import { Refusal } from "./run";
import { build, DAEMONS, down, isUp, up } from "./up";

/** The sandbox's command line: a table of contents of what one can do with it. */
const COMMANDS: Record<string, { readonly help: string; readonly run: (args: string[]) => Promise<void> }> = {
  up: { help: "start the cluster; a no-op when it is up", run: up },
  down: {
    help: "[--force]: take it away without a trace; by force that of another checkout, too",
    run: (args) => down({ force: args.includes("--force") }),
  },
  status: { help: "who holds it, which processes run, the nodes", run: status },
  build: { help: "make all binaries and images, without starting anything", run: build },
  load: { help: "[image.tar]: build our image, or take the file, and import it into the nodes", run: load },
  save: {
    help: "<image.tar>: write our image with all its layers, for a registry or another cluster",
    run: save,
  },
  shell: { help: "[command …]: a shell with KUBECONFIG and PATH set", run: shell },
  fault: { help: FAULT_USAGE, run: runFault },
};

async function status(): Promise<void> {
  const held = holder();
  if (!held) return say(`down: nothing holds ${LOCK_FILE}`);
  say(`held by ${held.checkout} (process ${held.pid}, ${holderAlive(held) ? "alive" : "dead"})`);
  if (held.checkout !== CHECKOUT) return;
  for (const name of DAEMONS) {
    const pid = daemonPid(name);
    say(`  ${name}: ${pid === undefined ? "NOT RUNNING" : `process ${pid}`}`);
  }
  if (!(await apiReady()))
    return say("the API server does not answer; what is on the machine: " + leftovers().length);
  console.log(await kubectl(["get", "nodes", "-o", "wide"]));
}

async function load([file]: string[]): Promise<void> {
  await requireUp();
  await (file === undefined ? loadPorpoise() : loadTar(file));
}

async function save([file]: string[]): Promise<void> {
  if (file === undefined) throw new Refusal("save needs the name of the file to write.");
  await savePorpoise(file);
}

async function shell(command: string[]): Promise<void> {
  await requireUp();
  const { kubeconfig, bin } = paths();
  const [program = process.env.SHELL ?? "/bin/sh", ...args] = command;
  const env = { ...process.env, KUBECONFIG: kubeconfig, PATH: `${bin}:${process.env.PATH ?? ""}` };
  process.exitCode = spawnSync(program, args, { stdio: "inherit", env }).status ?? 1;
}

async function requireUp(): Promise<void> {
  if (!existsSync(paths().kubeconfig) || !(await isUp())) {
    throw new Refusal("The sandbox of this checkout is not up; start it with: npx tsx sandbox/main.ts up");
  }
}

function usage(): string {
  const lines = Object.entries(COMMANDS).map(([name, { help }]) => `  ${name.padEnd(7)} ${help}`);
  return `A real Kubernetes of ${NODES.length} nodes on this machine.\nnpx tsx sandbox/main.ts <command>\n${lines.join("\n")}`;
}

async function main([name = "", ...args]: string[]): Promise<void> {
  const command = COMMANDS[name];
  if (!command) {
    console.log(usage());
    process.exitCode = name === "" || name === "help" ? 0 : 2;
    return;
  }
  await command.run(args);
}

main(process.argv.slice(2)).catch((cause: unknown) => {
  console.error(cause instanceof Refusal ? cause.message : cause);
  process.exitCode = 1;
});
