/** A MySQLCluster for tests: shop in retail, with the fields a test is about. */
import { API_VERSION } from "../../api/names";
import type { MySQLCluster, MySQLClusterSpec, MySQLClusterStatus, ObjectMeta } from "../../api/mysqlcluster";

interface Sample {
  readonly metadata?: Partial<ObjectMeta>;
  readonly status?: MySQLClusterStatus;
}

/** Cluster shop/retail with this spec. */
export function shop(spec: MySQLClusterSpec = {}, { metadata, status }: Sample = {}): MySQLCluster {
  return {
    apiVersion: API_VERSION,
    kind: "MySQLCluster",
    metadata: { name: "shop", namespace: "retail", ...metadata },
    spec,
    ...(status && { status }),
  };
}
