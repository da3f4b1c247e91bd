import { readFileSync } from "node:fs";
import path from "node:path";
import { load } from "js-yaml";
import { describe, expect, test } from "vitest";
import type { MySQLCluster, MySQLClusterSpec } from "../../api/mysqlcluster";
import { formatProblem, formatWarnings, type Problem } from "../../api/problem";
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
    says: ["advice: 2 instances, no witness: no automatic failover. Use 3."],
  },
  {
    name: "four instances",
    next: shop({ instances: 4 }),
    says: ["advice: 4 voters survive one loss, as 3 do. Use 3 or 5."],
  },
  {
    name: "six instances",
    next: shop({ instances: 6 }),
    says: ["advice: 6 voters survive 2 losses, as 5 do. Use 5 or 7."],
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

describe("the plan", () => {
  const status = { primary: "shop-1" };
  const changed = (before: MySQLClusterSpec, after: MySQLClusterSpec): string[] =>
    formatWarnings(reviewChange(shop(after, { status }), shop(before, { status })));

  test.each<[string, MySQLClusterSpec, MySQLClusterSpec, string[]]>([
    ["nothing", { instances: 3 }, {}, ["plan: nothing changes"]],
    [
      "an online option",
      { config: { max_connections: 500 } },
      { config: { max_connections: 800 } },
      ["plan: online: config.max_connections 500 -> 800 on 3 instances"],
    ],
    [
      "a new option",
      {},
      { config: { slow_query_log: true } },
      ["plan: online: config.slow_query_log default -> true on 3 instances"],
    ],
    [
      "a static option",
      {},
      { config: { innodb_page_cleaners: 2 } },
      ["plan: restart by hand: shop-2, shop-0, switchover, shop-1 (config.innodb_page_cleaners)"],
    ],
    [
      "an option taken away",
      { config: { max_connections: 5 } },
      {},
      ["plan: restart by hand: shop-2, shop-0, switchover, shop-1 (config.max_connections)"],
    ],
    [
      "more memory",
      {},
      { resources: { requests: { memory: "2Gi" } } },
      ["plan: restart by hand: shop-2, shop-0, switchover, shop-1 (resources.requests.memory)"],
    ],
    [
      "timing",
      {},
      { failover: { heartbeat: "200ms" } },
      ["plan: online: failover.heartbeat 150ms -> 200ms on 3 instances"],
    ],
    [
      "reads",
      {},
      { services: { replicas: { maxLag: "5s" } } },
      ["plan: online: services.replicas.maxLag 10s -> 5s"],
    ],
    [
      "a toleration",
      {},
      { pod: { tolerations: [{ key: "db" }] } },
      ["plan: restart by hand: shop-2, shop-0, switchover, shop-1 (pod.tolerations)"],
    ],
  ])("%s", (_, before, after, lines) => expect(changed(before, after)).toEqual(lines));

  test("a standalone server just restarts; without a known primary nobody switches over", () => {
    const next = shop({ instances: 1, image: "x" });
    expect(
      formatWarnings(reviewChange(next, shop({ instances: 1 }, { status: { primary: "shop-0" } }))),
    ).toEqual(["plan: restart by hand: shop-0 (image)"]);
    expect(formatWarnings(reviewChange(shop({ image: "x" }), shop()))).toEqual([
      "plan: restart by hand: shop-2, shop-1, shop-0 (image)",
    ]);
  });

  test("what is paused waits", () => {
    expect(changed({ paused: true }, { paused: true, config: { max_connections: 5 } })).toEqual([
      "advice: shop is paused: this waits for paused: false.",
      "plan: online: config.max_connections default -> 5 on 3 instances",
    ]);
  });

  test("a refusal has no plan, and who asked for quiet gets none", () => {
    expect(reviewChange(shop({ version: "9.8" }), shop()).map(({ severity }) => severity)).toEqual(["error"]);
    const quiet = { annotations: { "porpoise.dev/quiet": "" } };
    expect(reviewChange(shop({ image: "x" }, { metadata: quiet }), shop())).toEqual([]);
  });
});

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
