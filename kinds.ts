/**
 * Our kinds as Pepr knows them. Pepr keeps one global registry keyed by class name and throws when a class is
 * registered twice, so the registration has one home that webhooks/index.ts and capabilities/index.ts both import.
 */
import { RegisterKind, a } from "pepr";

/** Only a key for `When(...)`: the typed object is `MySQLCluster` of api/mysqlcluster.ts. */
export class MySQLClusterKind extends a.GenericKind {}

RegisterKind(MySQLClusterKind, {
  group: "porpoise.dev",
  version: "v1",
  kind: "MySQLCluster",
  plural: "mysqlclusters",
});
