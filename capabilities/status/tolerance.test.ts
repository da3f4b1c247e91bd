/** Who may be lost: FaultTolerant and the phase with a witness and read replicas. */
import { expect, test } from "vitest";
import type { MemberStatus } from "../../api/agent";
import { membersOf } from "../../api/members";
import type { MySQLClusterSpec } from "../../api/mysqlcluster";
import type { ObservedInstance } from "../context";
import { member, sample, settings } from "../testing";
import { statusOf } from "./status";

interface Row {
  readonly name: string;
  readonly spec: MySQLClusterSpec;
  /** Do not answer. */
  readonly silent?: readonly string[];
  /** Voters in the leader's configuration; default: all that have a vote by the spec. */
  readonly voters?: readonly string[];
  readonly tolerant: string;
  readonly phase: string;
  readonly quorum?: string;
}

const duo: MySQLClusterSpec = { instances: 2, witness: {} };

const rows: Row[] = [
  { name: "two and a witness", spec: duo, tolerant: "True/AsExpected", phase: "Ready", quorum: "3/3" },
  {
    name: "two and a witness, the witness away",
    spec: duo,
    silent: ["shop-witness"],
    tolerant: "False/NoSpareVoter",
    phase: "Degraded",
    quorum: "2/3",
  },
  {
    name: "two and a witness, a copy away and voted out: a loss, no change of members",
    spec: duo,
    silent: ["shop-1"],
    voters: ["shop-0", "shop-witness"],
    tolerant: "False/NoSpareVoter",
    phase: "Degraded",
    quorum: "2/2",
  },
  {
    name: "the lost copy is back and about to be taken in",
    spec: duo,
    voters: ["shop-0", "shop-witness"],
    tolerant: "False/NoSpareVoter",
    phase: "Updating",
  },
  { name: "two without a witness", spec: { instances: 2 }, tolerant: "False/TwoVoters", phase: "Ready" },
  { name: "one", spec: { instances: 1 }, tolerant: "False/SingleInstance", phase: "Ready" },
  {
    name: "a read replica away is no voter's loss",
    spec: { readReplicas: [{ name: "reports" }] },
    silent: ["shop-reports-0"],
    tolerant: "True/AsExpected",
    phase: "Degraded",
    quorum: "3/3",
  },
  {
    name: "on its way from three to five",
    spec: { instances: 5 },
    voters: ["shop-0", "shop-1", "shop-2"],
    tolerant: "True/AsExpected",
    phase: "Updating",
  },
];

test("two of three volumes emptied: their new members answer, and the majority is lost all the same", () => {
  const voters = ["shop-0.1", "shop-1.1", "shop-2.1"];
  const configuration = { term: 1, version: 1, voters, witnesses: [], k: 1 };
  const instances = ["shop-0", "shop-1", "shop-2"].map((name, i): ObservedInstance => {
    const fresh = { memberId: `${name}.2`, ready: false };
    const own = i === 0 ? { configuration, ready: false } : fresh;
    return { name, kind: "voter", group: "", wanted: true, member: member(name, own) };
  });
  const input = { clusterId: "c", formerClusterIds: [], initialised: true, settings, now: new Date(0) };
  const status = statusOf(sample(), { ...input, observed: { instances, options: {} } });
  expect(status).toMatchObject({ phase: "NoQuorum", quorum: { voters: 3, needed: 2, alive: 1 } });
  const available = status.conditions?.find(({ type }) => type === "Available");
  expect(available?.message).toBe("1 of 3 voters answer, 2 are needed; missing: shop-1, shop-2.");
});

test.each(rows)("$name", ({ spec, silent = [], voters, tolerant, phase, quorum }) => {
  const cluster = sample(spec);
  const members = membersOf(cluster);
  const voting = voters ?? members.filter(({ kind }) => kind !== "learner").map((one) => one.name);
  const alive = voting.filter((name) => !silent.includes(name)).length;
  const leads: Partial<MemberStatus> = {
    role: "primary",
    quorum: { voters: voting.length, needed: Math.floor(voting.length / 2) + 1, alive },
    configuration: { term: 1, version: 1, voters: voting.map((name) => `${name}.1`), witnesses: [], k: 1 },
  };
  const instances = members.map(({ name, kind, group }): ObservedInstance => {
    const base = { name, kind, group, wanted: true };
    const pod = { uid: name, ip: "10.0.0.1", phase: "Running", terminating: false };
    if (silent.includes(name)) return { ...base, pod };
    return { ...base, pod, member: member(name, name === "shop-0" ? leads : {}) };
  });
  const status = statusOf(cluster, {
    clusterId: "c",
    formerClusterIds: [],
    initialised: true,
    settings,
    now: new Date("2026-11-21T12:00:00Z"),
    observed: { instances, options: {} },
  });
  const found = status.conditions?.find(({ type }) => type === "FaultTolerant");
  expect({ phase: status.phase, tolerant: `${found?.status}/${found?.reason}` }).toEqual({ phase, tolerant });
  if (quorum) expect(`${status.quorum?.alive}/${status.quorum?.voters}`).toBe(quorum);
});
