import { say } from "./log";
import {
  continueInPod,
  cutPod,
  deletePod,
  emptyVolume,
  fillVolume,
  healPod,
  killInPod,
  nodeDown,
  nodeUp,
  startApi,
  stopApi,
  stopInPod,
  type Cut,
} from "./faults";
import { Refusal } from "./run";

/** The faults by hand: the same functions as the tests use. */

type Fault = (args: readonly string[]) => unknown;

const isDirection = (text: string): text is Cut["direction"] => ["both", "in", "out"].includes(text);

const FAULTS: Record<string, Fault> = {
  "kill POD PROCESS [SIGNAL]": ([pod = "", name = "", signal = "SIGKILL"]) =>
    killInPod(pod, name, signal as NodeJS.Signals),
  "stop POD PROCESS": ([pod = "", name = ""]) => stopInPod(pod, name),
  "continue POD PROCESS": ([pod = "", name = ""]) => continueInPod(pod, name),
  "delete-pod POD [GRACE-SECONDS]": ([pod = "", grace]) =>
    deletePod(pod, grace === undefined ? {} : { graceSeconds: Number(grace) }),
  "node-down NODE": ([node = ""]) => nodeDown(node),
  "node-up NODE": ([node = ""]) => nodeUp(node),
  "cut POD both|in|out [PEER]": ([pod = "", direction = "", peer]) => {
    if (!isDirection(direction)) throw new Refusal(`a cut is both, in or out; got ${direction}`);
    return cutPod(pod, { direction, peer });
  },
  "heal POD": ([pod = ""]) => healPod(pod),
  "fill POD PATH [LEAVE-BYTES]": ([pod = "", path = "", leave = "0"]) => fillVolume(pod, path, Number(leave)),
  "empty POD PATH": ([pod = "", path = ""]) => emptyVolume(pod, path),
  "stop-api": () => stopApi(),
  "start-api": () => startApi(),
};

export const FAULT_USAGE = Object.keys(FAULTS)
  .map((usage, index) => `${index === 0 ? "" : " ".repeat(10)}${usage}`)
  .join("\n");

/** Runs one fault. @throws Refusal for an unknown name or too few arguments. */
export async function runFault([name, ...args]: readonly string[]): Promise<void> {
  const usage = Object.keys(FAULTS).find((text) => text.split(" ")[0] === name);
  if (usage === undefined) throw new Refusal(`faults:\n${Object.keys(FAULTS).join("\n")}`);
  const required = usage
    .split(" ")
    .slice(1)
    .filter((word) => !word.startsWith("["));
  if (args.length < required.length) throw new Refusal(`usage: fault ${usage}`);
  const result = await FAULTS[usage]?.(args);
  say(`${name} ${args.join(" ")} ${result === undefined ? "" : JSON.stringify(result)}`);
}
