/** Pepr's own request classes around the rules: what it is asked and what it would answer. */
import { PeprMutateRequest, PeprValidateRequest } from "pepr";
import { expect, test } from "vitest";
import type { MySQLCluster, MySQLClusterSpec } from "../api/mysqlcluster";
import type { MySQLClusterKind } from "../kinds";
import { admission, reviewDeletion, reviewRequest, setDefaults } from "./index";
import { shop } from "./mysqlcluster/sample";

type Admission = ConstructorParameters<typeof PeprValidateRequest<MySQLClusterKind>>[0];

function request(
  operation: "CREATE" | "UPDATE" | "DELETE",
  next?: MySQLCluster,
  previous?: MySQLCluster,
): Admission {
  const group = { group: "porpoise.dev", version: "v1" };
  return {
    uid: "1",
    kind: { ...group, kind: "MySQLCluster" },
    resource: { ...group, resource: "mysqlclusters" },
    name: "shop",
    operation,
    userInfo: {},
    // null, not absent: so the API server sends it.
    object: next === undefined ? null : structuredClone(next),
    oldObject: previous === undefined ? null : structuredClone(previous),
  } as unknown as Admission;
}
const create = (spec: MySQLClusterSpec) =>
  reviewRequest(new PeprValidateRequest(request("CREATE", shop(spec))));

test("creation: finalizer and label are set", () => {
  const mutation = new PeprMutateRequest(request("CREATE", shop()));
  setDefaults(mutation);
  expect(mutation.Raw.metadata).toMatchObject({
    finalizers: ["porpoise.dev/cleanup"],
    labels: { "porpoise.dev/cluster": "shop" },
  });
});

test("creation: allowed, with advice", async () => {
  expect(await create({ instances: 2 })).toMatchObject({
    allowed: true,
    warnings: ["advice: 2 instances, no witness: no automatic failover. Add witness: {}."],
  });
});

test("creation: denied with the exact text", async () => {
  expect(await create({ topology: "group" })).toMatchObject({
    allowed: false,
    statusCode: 422,
    statusMessage: "spec.topology: not supported yet; got group. Use raft.",
  });
});

test("update: the plan comes as warnings", async () => {
  const update = request("UPDATE", shop({ config: { max_connections: 800 } }), shop());
  expect(await reviewRequest(new PeprValidateRequest(update))).toMatchObject({
    allowed: true,
    warnings: ["plan: online: config.max_connections default -> 800 on 3 instances"],
  });
});

test("deletion: a protected cluster stays", async () => {
  const deletion = request("DELETE", undefined, shop({ deletion: { protect: true } }));
  expect(await reviewDeletion(new PeprValidateRequest(deletion))).toMatchObject({
    allowed: false,
    statusMessage: "shop is protected: not deleted. Set spec.deletion.protect: false first.",
  });
});

test("a rule that breaks denies and says so, not {}", async () => {
  const broken = shop({ resources: { limits: { memory: "much" } } });
  const { allowed, statusMessage } = await reviewRequest(new PeprValidateRequest(request("CREATE", broken)));
  expect(allowed).toBe(false);
  expect(statusMessage).toMatch(/^Porpoise could not check this: not a quantity: "much".*report it\.$/);
});

test("bindings: defaults at creation, review of every change and of deletion, on our kind only", () => {
  const bound = admission.bindings.map(({ event, kind, isMutate, isValidate }) => [
    event,
    kind.kind,
    isMutate,
    isValidate,
  ]);
  expect(bound).toEqual([
    ["CREATE", "MySQLCluster", true, undefined],
    ["CREATEORUPDATE", "MySQLCluster", undefined, true],
    ["DELETE", "MySQLCluster", undefined, true],
  ]);
});
