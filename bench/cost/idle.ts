/** What an idle cluster costs: CPU and memory of its agents, their messages, the API server's calls. */
import { HEALTH_PORT } from "../../api/agent";
import { kubectl } from "../../sandbox/kube";
import { row, type Row } from "../result";
import { cpuPercent, podUsage, PROCESSES } from "../usage";
import type { PodView } from "../view";
import { sleep } from "../waits";
import { sumSamples } from "./exposition";

const MIB = 1024 ** 2;

/** Calls that a watching cluster makes anyway are in the figure without it; what we cost is the difference. */
export interface Calls {
  /** Per second, of writes and reads; watches are long and not counted. */
  readonly perSecond: number;
}

/** Calls to the API server per second over `ms`. Long-running ones (WATCH, CONNECT) end only now and then. */
export async function apiCalls(ms: number): Promise<Calls> {
  const before = await countCalls();
  const from = Date.now();
  await sleep(ms);
  const calls = (await countCalls()) - before;
  // The reading of the metrics itself is one of them.
  return { perSecond: Math.max(0, calls - 1) / ((Date.now() - from) / 1000) };
}

async function countCalls(): Promise<number> {
  const text = await kubectl(["get", "--raw", "/metrics"]);
  return sumSamples(text, "apiserver_request_total", ({ verb }) => verb !== "WATCH" && verb !== "CONNECT");
}

/** Heartbeats sent by all agents per second, and what their processes use, over `ms` in which nobody writes. */
export async function idleRows(namespace: string, pods: readonly PodView[], ms: number): Promise<Row[]> {
  const read = (): Promise<Awaited<ReturnType<typeof podUsage>>[]> =>
    Promise.all(pods.map(({ name }) => podUsage(`${namespace}/${name}`)));
  const [usageBefore, beatsBefore, from] = [await read(), await heartbeats(pods), Date.now()];
  await sleep(ms);
  const [usage, beats] = [await read(), await heartbeats(pods)];
  const passed = Date.now() - from;
  return [
    ...row("heartbeats of the cluster", "1/s", [(beats - beatsBefore) / (passed / 1000)]),
    ...PROCESSES.flatMap((kind) => [
      ...row(
        `${kind} CPU`,
        "% of a core",
        usage.flatMap((one, i) => cpuPercent(usageBefore[i]?.[kind], one[kind], passed) ?? []),
      ),
      ...row(
        `${kind} memory`,
        "MiB",
        usage.flatMap((one) => (one[kind] ? [one[kind].rssBytes / MIB] : [])),
      ),
    ]),
  ];
}

async function heartbeats(pods: readonly PodView[]): Promise<number> {
  const texts = await Promise.all(
    pods.map(async ({ ip = "" }) => (await fetch(`http://${ip}:${HEALTH_PORT}/metrics`)).text()),
  );
  const sent = (text: string): number =>
    sumSamples(
      text,
      "porpoise_messages_total",
      ({ type, direction }) => type === "heartbeat" && direction === "out",
    );
  return texts.reduce((sum, text) => sum + sent(text), 0);
}
