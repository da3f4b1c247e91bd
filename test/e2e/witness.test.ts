/** Two copies of the data, a witness, and a read replica that has no say. */
import { afterAll, beforeAll, describe, expect } from "vitest";
import { names } from "../../api/names";
import { readMembers, readPods, type ClusterRef } from "../../bench/cluster";
import { kube } from "../../bench/cluster";
import { applyCluster, deleteCluster } from "../../bench/fleet";
import { longestSilence } from "../../bench/outage";
import { primaryOf } from "../../bench/view";
import { isGood, verdict, verdictText } from "../../bench/verdict";
import { waitFor } from "../../bench/waits";
import { Writers } from "../../bench/writers";
import type { KubeObject } from "../../capabilities/objects";
import { nodeDown, nodeUp } from "../../sandbox/faults";
import { recordGap } from "./gaps";
import { awaitMembers, leaderOf, patchSpec, rolesOf, votersIn } from "./members";
import { NAMESPACE, OUTAGE_MAX_MS, story } from "./shop";

const DUO: ClusterRef = { namespace: NAMESPACE, name: "duo" };
const VOTERS = ["duo-0", "duo-1", "duo-witness"];
const ALL = [...VOTERS, "duo-reports-0"];

/** Writes while `tell` runs; then every acknowledged row must be on every copy, the read replica's too. */
async function underWriters(copies: number, tell: (writers: Writers) => Promise<void>): Promise<void> {
  const writers = await Writers.start(DUO);
  try {
    await tell(writers);
  } finally {
    await writers.stop();
  }
  const judged = await verdict(DUO, [{ run: writers.run, entries: writers.entries() }], {
    instances: copies,
  });
  expect(isGood(judged), verdictText(judged)).toBe(true);
  writers.forget();
}

const poolAddresses = async (): Promise<string[]> => {
  const ref = { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", namespace: NAMESPACE };
  const name = names.poolService("duo", "reports");
  const slice = await kube().get<KubeObject & { endpoints?: { addresses?: string[] }[] }>({ ...ref, name });
  return (slice?.endpoints ?? []).flatMap(({ addresses }) => addresses ?? []);
};

describe("two instances, a witness and a read replica", () => {
  beforeAll(async () => {
    await applyCluster(DUO, { instances: 2, witness: {}, readReplicas: [{ name: "reports" }] });
  });
  afterAll(() => deleteCluster(DUO), 150_000);

  story(
    "become whole: who votes, who holds data, where reads go",
    async () => {
      await awaitMembers(DUO, { members: ALL, voters: VOTERS });
      const roles = await rolesOf(DUO);
      expect(Object.values(roles).sort()).toEqual(["learner", "primary", "replica", "witness"]);
      expect(roles).toMatchObject({ "duo-witness": "witness", "duo-reports-0": "learner" });
      const { configuration } = await leaderOf(DUO);
      expect(configuration).toMatchObject({ k: 1 });
      const reports = (await readPods(DUO)).find(({ instance }) => instance === "duo-reports-0");
      await waitFor("the pool's Service", { deadlineMs: 20_000, everyMs: 500 }, async () => {
        const found = await poolAddresses();
        return found.join() === reports?.ip
          ? { value: undefined }
          : `it leads to ${found.join() || "nobody"}`;
      });
    },
    DUO,
  );

  story(
    "outlive the loss of the primary's node: the other copy goes on with the witness, and takes it in again",
    () =>
      underWriters(3, async (writers) => {
        await awaitMembers(DUO, { members: ALL, voters: VOTERS });
        const before = await leaderOf(DUO);
        const pods = await readPods(DUO);
        const node = pods.find(({ instance }) => instance === before.name)?.node ?? "";
        const others = pods.filter((pod) => pod.node !== node);
        const at = Date.now();
        await nodeDown(node);
        try {
          await waitFor(
            "another primary with the witness",
            { deadlineMs: 60_000, everyMs: 200 },
            async () => {
              const leader = primaryOf({ members: await readMembers(others) });
              if (!leader || leader.term <= before.term) return "nobody else is primary";
              const voting = votersIn(leader);
              const left = VOTERS.filter((name) => name !== before.name);
              return voting.join() === left.join() ? { value: undefined } : `${voting.join(", ")} vote`;
            },
          );
          await writers.awaitOk(Date.now(), 60_000);
        } finally {
          await nodeUp(node);
        }
        const silence = longestSilence(writers.entries(), { from: at, to: Date.now() });
        console.log(`two and a witness, node lost: write gap ${silence?.ms ?? "?"} ms`);
        recordGap("two and a witness, node lost", silence?.ms ?? NaN);
        expect(silence?.ms).toBeLessThan(2 * OUTAGE_MAX_MS);
        await awaitMembers(DUO, { members: ALL, voters: VOTERS });
      }),
    DUO,
  );

  story(
    "lose the read replica when it is not wanted any more",
    async () => {
      await patchSpec(DUO, { readReplicas: null });
      await awaitMembers(DUO, { members: VOTERS, voters: VOTERS });
      expect(await poolAddresses()).toEqual([]);
    },
    DUO,
  );
});
