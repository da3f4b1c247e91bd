import { describe, expect, test } from "vitest";
import { groupConfig, hostOf, initSql, startScript, type Place } from "./config";
import { manifests, primarySlice } from "./manifests";
import { groupTrouble, inMajority, mayJoin, primaryBy, type Report } from "./reports";

const place: Place = { namespace: "bench-group", name: "gr", members: 3 };
const NAMES = ["gr-0", "gr-1", "gr-2"];

/** A view in which `primary` leads; `states` differ from ONLINE. */
function report(
  by: string,
  primary: string,
  { states = {}, writable = by === primary } = {} as Seen,
): Report {
  const seen: Readonly<Record<string, string>> = states;
  const members = NAMES.filter((name) => seen[name] !== "gone").map((name) => ({
    id: `id-${name}`,
    name,
    state: seen[name] ?? "ONLINE",
    role: name === primary ? "PRIMARY" : "SECONDARY",
  }));
  return { by, members, writable };
}
interface Seen {
  readonly states?: Readonly<Record<string, string>>;
  readonly writable?: boolean;
}

describe("whom the Service leads to", () => {
  const published = "gr-0";
  const cases: { name: string; report: Report; published?: string; wanted?: string }[] = [
    { name: "the primary's own word counts at once", report: report("gr-1", "gr-1"), wanted: "gr-1" },
    { name: "not while it is still read-only", report: report("gr-1", "gr-1", { writable: false }) },
    {
      name: "another's word, once the former is gone",
      report: report("gr-2", "gr-1", { states: { "gr-0": "gone" } }),
      wanted: "gr-1",
    },
    { name: "another's word may be old while the former is ONLINE in it", report: report("gr-2", "gr-1") },
    { name: "the same primary changes nothing", report: report("gr-0", "gr-0") },
    {
      name: "a former primary in the minority is not believed",
      report: report("gr-2", "gr-2", { states: { "gr-0": "UNREACHABLE", "gr-1": "UNREACHABLE" } }),
    },
    {
      name: "nobody published yet: any majority's word",
      report: report("gr-2", "gr-1"),
      published: "",
      wanted: "gr-1",
    },
  ];
  test.each(cases)("$name", ({ report: one, published: now = published, wanted }) => {
    expect(primaryBy(one, { published: now === "" ? undefined : now, size: 3 })).toBe(wanted);
  });
});

test("a member that is not ONLINE itself is in no majority", () => {
  expect(inMajority(report("gr-0", "gr-1", { states: { "gr-0": "RECOVERING" } }), 3)).toBe(false);
  expect(inMajority(report("gr-2", "gr-1", { states: { "gr-0": "gone" } }), 3)).toBe(true);
});

test("a member joins again once the group has let go of its former life", () => {
  const out: Report = { by: "gr-0", members: [], writable: false };
  const still = [out, report("gr-1", "gr-1", { states: { "gr-0": "UNREACHABLE" } }), report("gr-2", "gr-1")];
  expect(mayJoin(still, "gr-0")).toBe(false);
  const gone = NAMES.slice(1).map((name) => report(name, "gr-1", { states: { "gr-0": "gone" } }));
  expect(mayJoin([out, ...gone], "gr-0")).toBe(true);
  expect(mayJoin([out, undefined, undefined], "gr-0")).toBe(false);
});

test("a group is whole when all see all ONLINE under one writable primary", () => {
  const all = NAMES.map((name) => report(name, "gr-1"));
  expect(groupTrouble(all, 3)).toBeUndefined();
  expect(groupTrouble([...all.slice(0, 2), undefined], 3)).toBe("2 of 3 members answer");
  expect(groupTrouble([...all.slice(0, 2), report("gr-2", "gr-0")], 3)).toBe(
    "the members disagree on the primary",
  );
  expect(groupTrouble([all[0], report("gr-1", "gr-1", { writable: false }), all[2]], 3)).toContain(
    "takes no writes",
  );
});

test("a member starts read-only and knows its seeds; its settings are in MySQL's own spelling", () => {
  const config = groupConfig(place, "u-u-i-d");
  expect(config).toContain("super_read_only=ON");
  expect(config).toContain("loose_group_replication_group_name=u-u-i-d");
  expect(config).toContain(`${hostOf(place, "gr-2")}:3306`);
  expect(startScript(place, { group: true })).toContain(
    "--loose-group-replication-local-address=$HOSTNAME.gr.bench-group",
  );
  expect(startScript(place, { group: false })).not.toContain("group-replication");
});

test("the password is in a Secret and on no command line", () => {
  const content = {
    config: "",
    script: startScript(place, { group: true }),
    secret: { "init.sql": initSql("pw-1") },
  };
  const withIt = manifests(place, content).filter((object) => JSON.stringify(object).includes("pw-1"));
  expect(withIt.map(({ kind }) => kind)).toEqual(["Secret"]);
});

test("the Service has no selector, and its slice one address", () => {
  const objects = manifests(place, { config: "", script: "", secret: {} });
  const service = objects.find(({ metadata }) => metadata.name === "gr-primary");
  expect(service).not.toHaveProperty("spec.selector");
  expect(primarySlice(place, "10.0.0.1")).toMatchObject({
    metadata: { labels: { "kubernetes.io/service-name": "gr-primary" } },
    endpoints: [{ addresses: ["10.0.0.1"] }],
  });
});
