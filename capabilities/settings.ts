import { version } from "../package.json";

/** What the controller's Deployment decides; read once, at start. */
export interface Settings {
  /** Image of the init container: the agent's bundle and its Node.js. */
  readonly porpoiseImage: string;
  /** Repository of the engine image; the tag is the version. */
  readonly mysqlImage: string;
  readonly clusterDomain: string;
}

/** From the container's environment, with the defaults of the sandbox. */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  return {
    porpoiseImage: environment["PORPOISE_IMAGE"] ?? `localhost/porpoise/porpoise:${version}`,
    mysqlImage: environment["PORPOISE_MYSQL_IMAGE"] ?? "localhost/porpoise/mysql",
    clusterDomain: environment["PORPOISE_CLUSTER_DOMAIN"] ?? "cluster.local",
  };
}
