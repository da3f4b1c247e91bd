/** `make ready-time`: from `kubectl apply` to Ready of three instances, N times in a namespace of its own. */
import { setTimeout as pause } from "node:timers/promises";
import { awaitHealthy, readCluster, type ClusterRef } from "./cluster";
import { applyExample, deleteNamespace, ensureNamespace } from "./fleet";
import { install } from "./install";
import { teller } from "./progress";
import { row, writeResult } from "./result";
import { setting } from "./setting";
import { dim, done, fail, LOOK, note, seconds, step } from "./terminal";
import { waitFor } from "./waits";

interface Times {
  /** The condition Ready, as `kubectl wait --for=condition=Ready` sees it. */
  readonly readyMs: number;
  /** Beyond: every pod Ready, both Services led right. */
  readonly wholeMs: number;
}

async function main(): Promise<void> {
  const runs = setting("N", 3);
  await install(step);
  const times: Times[] = [];
  for (let i = 1; i <= runs; i++) times.push(await measure({ namespace: `ready-time-${i}`, name: "shop" }));
  const path = writeResult({
    name: "ready-time",
    seed: null,
    rows: [
      ...row(
        "apply to Ready",
        "ms",
        times.map(({ readyMs }) => readyMs),
      ),
      ...row(
        "apply to whole",
        "ms",
        times.map(({ wholeMs }) => wholeMs),
      ),
    ],
    lost: 0,
    divergent: 0,
    falseFailovers: 0,
    faults: 0,
  });
  done(`figures: ${path}`);
}

async function measure(ref: ClusterRef): Promise<Times> {
  await deleteNamespace(ref.namespace);
  await ensureNamespace(ref.namespace);
  await pause(2000); // The namespace's own service account and certificates are not what is measured.
  try {
    const from = Date.now();
    await applyExample(ref.namespace);
    const ready = waitFor("condition Ready", { deadlineMs: 180_000, everyMs: 100 }, async () => {
      const condition = (await readCluster(ref))?.status?.conditions?.find(({ type }) => type === "Ready");
      return condition?.status === "True"
        ? { value: Date.now() - from }
        : `Ready: ${condition?.message ?? "absent"}`;
    });
    const whole = awaitHealthy(ref, { deadlineMs: 180_000, onView: teller((line) => note(dim(line))) });
    const [readyMs] = await Promise.all([ready, whole]);
    const times = { readyMs, wholeMs: Date.now() - from };
    done(`${ref.namespace}: Ready after ${seconds(times.readyMs)}, whole after ${seconds(times.wholeMs)}`);
    return times;
  } finally {
    await deleteNamespace(ref.namespace);
  }
}

main().catch((cause: unknown) => fail(cause, LOOK));
