/** The table of contents: every rule about a MySQLCluster, in the order a user reads them. */
import { withDefaults, type MySQLCluster } from "../../api/mysqlcluster";
import type { Problem } from "../../api/problem";
import { validateConfig } from "./config";
import { changedFields } from "./diff";
import { planChange } from "./plan";
import { validatePod } from "./pod";
import { validateQuorum } from "./quorum";
import { validateResources } from "./resources";
import type { Facts, Rule } from "./rule";
import { validatePoolStorage, validateStorageClass, validateStorageSize } from "./storage";
import { adviseVoters, validateTopology } from "./topology";
import { validateVersion } from "./version";

const RULES: readonly Rule[] = [
  validateTopology,
  adviseVoters,
  validateQuorum,
  validateVersion,
  validateResources,
  validateStorageSize,
  validateStorageClass,
  validatePoolStorage,
  validateConfig,
  validatePod,
];

/**
 * Everything wrong with the object, and advice. `previous` is absent at creation and when the controller asks
 * again, lest the webhook was down; then the rules about changes are silent.
 */
export function validateCluster(next: MySQLCluster, previous?: MySQLCluster, facts: Facts = {}): Problem[] {
  return RULES.flatMap((rule) => rule({ next, previous, facts }));
}

/**
 * The answer to a create or update: problems of the object, or, where it has none, advice and plan.
 * What is being deleted, and an edit that leaves the spec alone (a label, the finalizer), is never refused: a rule
 * that came later must not lock an object that exists.
 */
export function reviewChange(next: MySQLCluster, previous?: MySQLCluster, facts: Facts = {}): Problem[] {
  if (next.metadata.deletionTimestamp !== undefined) return [];
  const specChanged =
    previous === undefined || changedFields(withDefaults(previous.spec), withDefaults(next.spec)).length > 0;
  const problems = specChanged ? validateCluster(next, previous, facts) : [];
  if (problems.some(({ severity }) => severity === "error")) return problems;
  return [...problems, ...planChange({ next, previous, facts })];
}
