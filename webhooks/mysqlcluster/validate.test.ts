import { readFileSync } from "node:fs";
import path from "node:path";
import { load } from "js-yaml";
import { describe, expect, test } from "vitest";
import type { MySQLCluster, MySQLClusterSpec } from "../../api/mysqlcluster";
import { membersOf, votersOf } from "../../api/members";
import { electionQuorum } from "../../api/quorum";
import { formatProblem, type Problem } from "../../api/problem";
import { schemaOf, type Crd, type Schema } from "../../scripts/generate/schema";
import { validateDeletion } from "./deletion";
import type { Facts } from "./rule";
import { shop } from "./sample";
import { reviewChange, validateCluster } from "./validate";

interface Row {
  readonly name: string;
  readonly next: MySQLCluster;
  readonly previous?: MySQLCluster;
  readonly facts?: Facts;
  readonly says: string[];
}
const allow = (spec: MySQLClusterSpec, waiver: string) =>
  shop(spec, { metadata: { annotations: { "porpoise.dev/allow": waiver } } });
const fixedClass: Facts = { storageClass: { name: "fast", expandable: false } };
const size = (text: string, storageClass?: string): MySQLCluster =>
  shop({ storage: { size: text, ...(storageClass && { storageClass }) } });

/** A cluster whose status says that these do not answer. */
function living(spec: MySQLClusterSpec, ...silent: string[]): MySQLCluster {
  const all = membersOf(shop(spec));
  const voters = votersOf(shop(spec)).length;
  const members = all.map(({ name }) =>
    silent.includes(name)
      ? { name, role: "unknown" as const, ready: false }
      : { name, role: "replica" as const, ready: true },
  );
  const quorum = { voters, needed: electionQuorum(voters), alive: voters - silent.length };
  return shop(spec, { status: { members, quorum } });
}

const rows: Row[] = [
  { name: "an empty spec", next: shop(), says: [] },
  {
    name: "group",
    next: shop({ topology: "group" }),
    says: ["spec.topology: not supported yet; got group. Use raft."],
  },
  {
    name: "async",
    next: shop({ topology: "async" }),
    says: ["spec.topology: not supported yet; got async. Use raft."],
  },
  {
    name: "two instances",
    next: shop({ instances: 2 }),
    says: ["advice: 2 instances, no witness: no automatic failover. Add witness: {}."],
  },
  {
    name: "four instances",
    next: shop({ instances: 4 }),
    says: ["advice: 4 voters survive one loss, as 3 do. Use 3, 5, or a witness."],
  },
  {
    name: "six instances",
    next: shop({ instances: 6 }),
    says: ["advice: 6 voters survive 2 losses, as 5 do. Use 5, 7, or a witness."],
  },
  {
    name: "unknown version",
    next: shop({ version: "9.8" }),
    says: ["spec.version: not known; got 9.8. Known: 9.7."],
  },
  { name: "a patch of a known series", next: shop({ version: "9.7.4" }), says: [] },
  {
    name: "no version at all",
    next: shop({ version: "latest" }),
    says: ["spec.version: not known; got latest. Known: 9.7."],
  },
  {
    name: "back a series",
    previous: shop(),
    next: shop({ version: "8.4" }),
    says: ["spec.version: cannot go back; got 9.7 -> 8.4. Restore an 8.4 backup."],
  },
  {
    name: "back a series, waived in vain",
    previous: shop(),
    next: allow({ version: "8.4" }, "downgrade"),
    says: ["spec.version: cannot go back; got 9.7 -> 8.4. Restore an 8.4 backup."],
  },
  {
    name: "back a patch",
    previous: shop({ version: "9.7.4" }),
    next: shop({ version: "9.7.3" }),
    says: ["spec.version: cannot go back; got 9.7.4 -> 9.7.3. Restore a 9.7.3 backup."],
  },
  {
    name: "back a patch, waived",
    previous: shop({ version: "9.7.4" }),
    next: allow({ version: "9.7.3" }, "x, downgrade"),
    says: [],
  },
  {
    name: "shrink",
    previous: size("200Gi"),
    next: size("100Gi"),
    says: ["spec.storage.size: volumes cannot shrink; got 200Gi -> 100Gi. Put it back."],
  },
  {
    name: "grow on a class that cannot",
    previous: size("200Gi", "fast"),
    next: size("300Gi", "fast"),
    facts: fixedClass,
    says: ["spec.storage.size: StorageClass fast cannot expand; got 300Gi. Name one that can."],
  },
  {
    name: "grow, class unknown",
    previous: size("200Gi"),
    next: size("300Gi"),
    says: ["spec.storage.size: growing is not supported yet; got 200Gi -> 300Gi. Put it back."],
  },
  {
    name: "the same size in other words",
    previous: size("1Gi"),
    next: size("1024Mi"),
    facts: fixedClass,
    says: [],
  },
  {
    name: "another class",
    previous: size("10Gi", "fast"),
    next: size("10Gi", "slow"),
    says: [
      "spec.storage.storageClass: changing it is not supported yet; got fast -> slow. Put it back, or make a new cluster.",
    ],
  },
  {
    name: "limit below request",
    next: shop({ resources: { limits: { memory: "512Mi", cpu: "250m" } } }),
    says: [
      "spec.resources.limits.cpu: below the request 500m; got 250m. Set 500m or more, or request less.",
      "spec.resources.limits.memory: below the request 1Gi; got 512Mi. Set 1Gi or more, or request less.",
    ],
  },
  {
    name: "two and a witness: neither advice nor problem",
    next: shop({ instances: 2, witness: {} }),
    says: [],
  },
  {
    name: "a pool's limit below what it requests, its variable, its volume",
    previous: shop({ readReplicas: [{ name: "reports" }] }),
    next: shop({
      readReplicas: [
        {
          name: "reports",
          resources: { limits: { memory: "512Mi" } },
          storage: { size: "20Gi", storageClass: "fast" },
          pod: { env: [{ name: "NODE_OPTIONS" }] },
        },
      ],
    }),
    says: [
      "spec.readReplicas[0].resources.limits.memory: below the request 1Gi; got 512Mi. Set 1Gi or more, or request less.",
      "spec.readReplicas[0].storage.size: changing it is not supported yet; got 10Gi -> 20Gi. Put it back, or make another pool.",
      "spec.readReplicas[0].storage.storageClass: changing it is not supported yet; got default -> fast. Put it back, or make another pool.",
      "spec.readReplicas[0].pod.env[0].name: reserved; got NODE_OPTIONS. Choose another.",
    ],
  },
  {
    name: "fewer voters while every living one is needed",
    previous: living({ instances: 5 }, "shop-0", "shop-1"),
    next: shop({ instances: 3 }),
    says: ["spec.instances: 3 of 5 voters live, all needed; got 5 -> 3. Repair shop-0, shop-1 first."],
  },
  {
    name: "fewer voters while every living one is needed, waived",
    previous: living({ instances: 5 }, "shop-0", "shop-1"),
    next: allow({ instances: 3 }, "quorum-loss"),
    says: [],
  },
  {
    name: "fewer voters, one of those that stay is dead, the rest is enough",
    previous: living({ instances: 5 }, "shop-0"),
    next: shop({ instances: 3 }),
    says: [],
  },
  {
    name: "only the dead one would stay",
    previous: living({ instances: 5 }, "shop-0"),
    next: shop({ instances: 1 }),
    says: [
      "spec.instances: of the 1 that would stay, shop-0 does not answer; got 5 -> 1. Repair shop-0 first.",
    ],
  },
  {
    name: "no witness any more, while it is needed",
    previous: living({ instances: 2, witness: {} }, "shop-1"),
    next: shop({ instances: 2 }),
    says: [
      "advice: 2 instances, no witness: no automatic failover. Add witness: {}.",
      "spec.witness: 2 of 3 voters live, all needed; got 3 -> 2. Repair shop-1 first.",
    ],
  },
  {
    name: "fewer read replicas: nobody counts on them",
    previous: living({ readReplicas: [{ name: "reports" }] }, "shop-0"),
    next: shop(),
    says: [],
  },
  {
    name: "our label",
    next: shop({ pod: { labels: { "porpoise.dev/role": "primary", team: "shop" } } }),
    says: ["spec.pod.labels[porpoise.dev/role]: reserved; got porpoise.dev/role. Choose another."],
  },
  {
    name: "our variable",
    next: shop({
      pod: {
        env: [
          { name: "TZ", value: "UTC" },
          { name: "NODE_OPTIONS", value: "-r x" },
          { name: "PORPOISE_TERM", value: "9" },
        ],
      },
    }),
    says: [
      "spec.pod.env[1].name: reserved; got NODE_OPTIONS. Choose another.",
      "spec.pod.env[2].name: reserved; got PORPOISE_TERM. Choose another.",
    ],
  },
  {
    name: "all at once",
    next: shop({ version: "9.8", config: { log_bin: false } }),
    says: [
      "spec.version: not known; got 9.8. Known: 9.7.",
      "spec.config.log_bin: belongs to Porpoise; got OFF. Remove it.",
    ],
  },
];

test.each(rows)("$name", ({ next, previous, facts, says }) => {
  expect(validateCluster(next, previous, facts).map(formatProblem)).toEqual(says);
});

describe("every path named exists in the CRD", () => {
  const crd = load(readFileSync(path.join(__dirname, "../../crds/mysqlcluster.yaml"), "utf8")) as Crd;
  const problems = rows.flatMap(({ next, previous, facts }) => validateCluster(next, previous, facts));
  test.each(problems.map((problem): [string, Problem] => [formatProblem(problem), problem]))(
    "%s",
    (_, problem) => {
      expect(problem.path.reduce(below, schemaOf(crd))).toBeDefined();
    },
  );
});

function below(schema: Schema | undefined, part: string | number): Schema | undefined {
  return typeof part === "number"
    ? schema?.items
    : (schema?.properties?.[part] ?? schema?.additionalProperties);
}

describe("an object that exists is not locked", () => {
  const bad = { config: { log_bin: false } };
  test("an edit that leaves the spec alone passes", () => {
    const labelled = shop(bad, { metadata: { labels: { team: "a" } } });
    expect(reviewChange(labelled, shop(bad)).map(formatProblem)).toEqual(["plan: nothing changes"]);
  });
  test("the finalizer can be taken off what is being deleted", () => {
    const deleting = shop(bad, { metadata: { deletionTimestamp: "2026-11-21T10:00:00Z" } });
    expect(reviewChange(deleting, shop())).toEqual([]);
  });
});

test.each<[string, MySQLClusterSpec, string]>([
  [
    "protected",
    { deletion: { protect: true } },
    "shop is protected: not deleted. Set spec.deletion.protect: false first.",
  ],
  ["volumes stay", {}, "plan: delete: 3 instances; volumes stay"],
  [
    "volumes go",
    { instances: 1, deletion: { volumes: "delete" } },
    "plan: delete: 1 instance and its volume",
  ],
])("deletion: %s", (_, spec, text) =>
  expect(validateDeletion(shop(spec)).map(formatProblem)).toEqual([text]),
);
