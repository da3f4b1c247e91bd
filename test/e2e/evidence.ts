/** What a failed test leaves behind for the one who has to understand it: out/e2e-failure/<test>/. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readMembers, readPods, type ClusterRef } from "../../bench/cluster";
import { limit, sentence } from "../../bench/waits";
import { OUT } from "../../bench/writers";
import { kubectl } from "../../sandbox/kube";

export const failuresDir = join(OUT, "e2e-failure");

/** Gathers logs, events and statuses. What cannot be had is said in its file; nothing throws. */
export async function dump(test: string, ref: ClusterRef, cause: unknown): Promise<string> {
  const dir = join(failuresDir, test.replace(/[^a-z0-9]+/gi, "-").slice(0, 80));
  mkdirSync(dir, { recursive: true });
  const put = (file: string, text: string): void => writeFileSync(join(dir, file), text);
  put("error.txt", cause instanceof Error ? (cause.stack ?? cause.message) : String(cause));
  const ask = async (file: string, args: readonly string[]): Promise<void> => {
    const answer = kubectl(["--request-timeout=10s", ...args], { timeoutMs: 15_000 });
    put(file, await answer.catch(sentence));
  };
  const { namespace, name } = ref;
  await ask("pods.txt", ["-n", namespace, "get", "pods,pvc,endpointslices,statefulsets", "-o", "wide"]);
  await ask("cluster.yaml", ["-n", namespace, "get", "mysqlcluster", name, "-o", "yaml"]);
  await ask("events.txt", ["-n", namespace, "get", "events", "--sort-by=.lastTimestamp"]);
  await ask("controller.log", [
    "-n",
    "pepr-system",
    "logs",
    "deployment/pepr-porpoise-watcher",
    "--tail=2000",
  ]);
  await ask("admission.log", ["-n", "pepr-system", "logs", "deployment/pepr-porpoise", "--tail=500"]);
  try {
    const pods = await limit(10_000, readPods(ref));
    put("members.json", JSON.stringify([...(await readMembers(pods)).values()], null, 2));
    for (const pod of pods) {
      await ask(`${pod.name}.log`, ["-n", namespace, "logs", pod.name, "-c", "mysql", "--tail=3000"]);
      await ask(`${pod.name}.previous.log`, [
        "-n",
        namespace,
        "logs",
        pod.name,
        "-c",
        "mysql",
        "-p",
        "--tail=500",
      ]);
    }
  } catch (failure) {
    put("members.json", sentence(failure));
  }
  return dir;
}
