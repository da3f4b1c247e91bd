/**
 * Quorum arithmetic (agent.md, Words). N voters, D of them with data; a commit waits for k acknowledgements
 * beside the primary itself, an election needs E votes. (k + 1) + E > N: every acknowledged commit is in every
 * winning electorate (I1).
 */

/** Acknowledgements a commit waits for: floor(N/2), at most D - 1. 0 means semi-sync is off. */
export function acknowledgements(voters: number, dataVoters = voters): number {
  return Math.max(0, Math.min(Math.floor(voters / 2), dataVoters - 1));
}

/** Votes that elect a leader, its own included: floor(N/2) + 1. */
export function electionQuorum(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/** How many voters may be lost while the rest still elects and commits. */
export function toleratedLosses(voters: number): number {
  return voters - electionQuorum(voters);
}
