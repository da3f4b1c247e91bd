import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { version } from "../package.json";
import type { AgentBundle } from "./members/agents";

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

/** The controller's image is that of the init container too: the agent's bundle lies in it. */
const BUNDLE = "/porpoise/agent.js";

/** The agent of this release; undefined where there is none (a controller that runs outside its image). */
export function readBundle(
  environment: Readonly<Record<string, string | undefined>>,
): AgentBundle | undefined {
  try {
    const code = readFileSync(environment["PORPOISE_AGENT_BUNDLE"] ?? BUNDLE);
    return { code, sha256: createHash("sha256").update(code).digest("hex") };
  } catch {
    return undefined;
  }
}
