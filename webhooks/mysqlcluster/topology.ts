/** Topology and the number of voters. */
import { toleratedLosses } from "../../api/quorum";
import { withDefaults } from "../../api/mysqlcluster";
import { advise, refuse, type Problem } from "../../api/problem";
import type { Change } from "./rule";

/** The schema knows group and async already, so that it need not change; this version runs raft only. */
export function validateTopology({ next }: Change): Problem[] {
  const { topology } = withDefaults(next.spec);
  if (topology === "raft") return [];
  return [refuse(["spec", "topology"], "not supported yet", { got: topology, remedy: "Use raft." })];
}

/** An even number of voters survives no more losses than one fewer (I1: a majority is needed). */
export function adviseVoters({ next }: Change): Problem[] {
  const { instances, witness } = withDefaults(next.spec);
  const path = ["spec", "instances"];
  if (instances < 2 || instances % 2 === 1 || witness !== undefined) return [];
  if (instances === 2)
    return [advise(path, "2 instances, no witness: no automatic failover. Add witness: {}.")];
  const losses = toleratedLosses(instances);
  return [
    advise(
      path,
      `${instances} voters survive ${inWords(losses)}, as ${instances - 1} do. Use ${instances - 1}, ${instances + 1}, or a witness.`,
    ),
  ];
}

const inWords = (losses: number): string => (losses === 1 ? "one loss" : `${losses} losses`);
