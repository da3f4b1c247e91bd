/** Porpoise as a subject: the example cluster in a namespace of its own, asked by its agents' plain HTTP. */
import { request } from "node:https";
import { AGENT_PORT } from "../../api/agent";
import { names } from "../../api/names";
import { readEndpoint, readMembers, readPods, readSecret, serviceIp, type ClusterRef } from "../cluster";
import { applyExample, deleteNamespace } from "../fleet";
import { appAccess, readHolding, type Holding } from "../verdict";
import { primaryOf, type Endpoint, type PodView, type View } from "../view";
import { sleep, waitFor } from "../waits";
import { marksOf, type Mark } from "./phases";
import type { FaultName } from "./rows";
import { SliceWatch } from "./slices";
import { prepareStrike, undoAll } from "./strikes";
import { Unexplained, type Reign, type Struck, type Subject, type Target } from "./subject";

const REF: ClusterRef = { namespace: "bench-porpoise", name: "shop" };
const INSTANCES = 3;
const READY_MS = 180_000;

/** Replicas further behind would make the next promotion drain what this trial has left. */
const LAG_MAX_MS = 1_000;

export class Porpoise implements Subject {
  readonly name = "porpoise";
  private readonly slice = new SliceWatch(REF.namespace, names.primarySlice(REF.name));

  /** UID of a pod that was deleted: while it stands its agent says that all is well. */
  private deleted: string | undefined;

  private constructor(readonly target: Target) {}

  /** Makes the cluster where it is not there already. */
  static async start(): Promise<Porpoise> {
    await applyExample(REF.namespace);
    await awaitQuorum(READY_MS);
    await awaitCalm();
    const host = await serviceIp(REF.namespace, names.primaryService(REF.name));
    return new Porpoise({ host, ...(await appAccess(REF)) });
  }

  close(): void {
    this.slice.close();
  }

  /** Removes the cluster, volumes too. */
  async remove(): Promise<void> {
    this.close();
    await deleteNamespace(REF.namespace);
  }

  pods(): Promise<PodView[]> {
    return readPods(REF);
  }

  async awaitWhole(deadlineMs: number): Promise<Reign> {
    return awaitQuorum(deadlineMs);
  }

  async prepare(fault: FaultName, primary: string): Promise<() => Promise<Struck>> {
    const pod = (await readPods(REF)).find(({ instance }) => instance === primary);
    if (!pod) throw new Error(`no pod of ${primary}`);
    this.deleted = fault === "pod-deleted" ? pod.uid : undefined;
    if (fault === "switchover") return prepareTransfer(pod);
    const victim = { namespace: REF.namespace, pod: pod.name, node: pod.node ?? "" };
    return prepareStrike(fault, { ...victim, frozen: ["agent", "mysqld"] });
  }

  async awaitSuccessor(before: Reign, struckAt: number, deadlineMs: number): Promise<Reign> {
    const pods = await readPods(REF);
    const found = await waitFor("a primary of a new term", { deadlineMs, everyMs: 100 }, async () => {
      const primary = primaryOf({ members: await readMembers(pods, 500) });
      return primary && primary.term > before.term ? { value: primary } : `still term ${before.term}`;
    });
    const { name, term, lastFailover } = found;
    if (lastFailover?.term === term && Date.parse(lastFailover.at) < struckAt)
      throw new Unexplained(`${name} took over before the fault: ${lastFailover.reason}`);
    return { primary: name, term };
  }

  async awaitBack(instance: string, deadlineMs: number): Promise<void> {
    await waitFor(`${instance} in quorum again`, { deadlineMs, everyMs: 50 }, async () => {
      const pods = await readPods(REF);
      if (pods.some(({ uid }) => uid === this.deleted)) return "its former pod still stands";
      const members = await readMembers(pods, 500);
      const [own, primary] = [members.get(instance), primaryOf({ members })];
      if (!primary) return "nobody is primary";
      // A former primary that has not noticed says so, too, but of a lower term.
      const back = own?.ready === true && own.term === primary.term && own.role === "replica";
      return back || own?.name === primary.name
        ? { value: undefined }
        : (own?.phase ?? "its agent is silent");
    });
  }

  async marks(since: number, { primary }: Reign): Promise<readonly Mark[]> {
    const pods = await readPods(REF);
    const ip = pods.find(({ instance }) => instance === primary)?.ip ?? "";
    const record = (await readMembers(pods)).get(primary)?.lastFailover;
    const seen = this.slice.firstOf(ip, since);
    return [
      ...(record === undefined || Date.parse(record.at) < since ? [] : marksOf(record)),
      ...(seen === undefined ? [] : [{ phase: "publication", until: seen.at } as const]),
    ];
  }

  async holdings(run: string, { checksums }: { readonly checksums: boolean }): Promise<Holding[]> {
    const pods = await readPods(REF);
    return Promise.all(
      pods.map(({ instance, ip = "" }) => readHolding(this.target, { instance, ip, runs: [run], checksums })),
    );
  }

  async repair(): Promise<void> {
    const pods = await readPods(REF);
    await undoAll(pods.map(({ name, node = "" }) => ({ namespace: REF.namespace, pod: name, node })));
    await awaitQuorum(READY_MS);
  }
}

/** A controller that was deployed just now may renew the agents, the leader's after a hand-over. */
const CALM_MS = 10_000;

/** Until no term and no agent's process has changed for a while. @throws Overdue. */
async function awaitCalm(): Promise<void> {
  let seen = { shape: "", since: 0 };
  await waitFor("no renewal under way", { deadlineMs: READY_MS, everyMs: 500 }, async () => {
    const members = await readMembers(await readPods(REF));
    const shape = [...members].map(([name, { term, pid }]) => `${name} ${term} ${pid?.agent}`).join();
    if (shape !== seen.shape) seen = { shape, since: Date.now() };
    return Date.now() - seen.since > CALM_MS ? { value: undefined } : `changed lately: ${shape}`;
  });
}

function awaitQuorum(deadlineMs: number): Promise<Reign> {
  return waitFor("three members in quorum", { deadlineMs, everyMs: 100 }, async () => {
    const pods = await readPods(REF);
    const [members, primary] = await Promise.all([
      readMembers(pods, 1000),
      readEndpoint(REF, "primary").catch((): Endpoint => ({ addresses: [] })),
    ]);
    const trouble = missing({ pods, members, primary });
    const reigning = primaryOf({ members });
    if (trouble !== undefined || !reigning) return trouble ?? "nobody is primary";
    return { value: { primary: reigning.name, term: reigning.term } };
  });
}

/**
 * What keeps the cluster from being able to lose its primary again, by the word of its agents. Kubernetes' own
 * probes lag behind by a second and more, and no failover waits for them. Pure.
 */
export function missing({
  pods,
  members,
  primary,
}: Pick<View, "pods" | "members" | "primary">): string | undefined {
  if (pods.length !== INSTANCES || pods.some(({ deleting }) => deleting)) return `${pods.length} pods stand`;
  if (members.size !== INSTANCES) return `${members.size} agents answer`;
  const leader = primaryOf({ members });
  if (!leader) return "nobody is primary";
  const voters = leader.configuration?.voters.length ?? 0;
  if (voters !== INSTANCES) return `${voters} instances vote`;
  const late = [...members.values()].find(
    ({ ready, term, errant, lagMs = 0 }) =>
      !ready || term !== leader.term || errant !== "" || lagMs > LAG_MAX_MS,
  );
  if (late) return `${late.name}: ${late.phase}`;
  const ip = pods.find(({ instance }) => instance === leader.name)?.ip;
  return primary.addresses.join() === ip ? undefined : "the Service leads elsewhere";
}

/** Asks the primary's agent for a hand-over to whomever it finds best, as `kubectl` tools would. */
async function prepareTransfer(pod: PodView): Promise<() => Promise<Struck>> {
  const secret = await readSecret(REF.namespace, names.agentSecret(REF.name));
  const options = {
    host: pod.ip,
    port: AGENT_PORT,
    method: "POST",
    path: "/v1/transfer",
    ca: secret["ca.crt"],
    cert: secret["tls.crt"],
    key: secret["tls.key"],
    servername: `agent.${REF.name}.porpoise`,
    headers: { "content-type": "application/json" },
  };
  const ask = (): Promise<{ status: number; body: string }> =>
    new Promise((done, fail) => {
      const call = request(options, (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
        response.on("end", () => done({ status: response.statusCode ?? 0, body }));
      });
      call.on("error", fail);
      call.end(JSON.stringify({ reason: "measured" }));
    });
  return async () => {
    for (let tries = 1; ; tries++) {
      const at = Date.now();
      const { status, body } = await ask();
      if (status < 300) return { at };
      if (tries === 20) throw new Error(`the transfer was refused: ${body}`);
      await sleep(100);
    }
  };
}
