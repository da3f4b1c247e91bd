/**
 * How the clients find the primary, and what an error of theirs means.
 *
 * Clients ask the agents themselves (`/primary`, as a proxy's health check does) or read the published endpoint (as
 * kube-proxy does), and then hold a connection of their own to mysqld. No proxy stands between: it would cut the
 * clients of a deposed primary, and what such a primary still answers is exactly what must be found.
 */
import type { Connection } from "mysql2/promise";
import type { Cluster } from "./cluster";
import type { Member } from "./member";

export type Route = "agents" | "published";

/** The member that clients of the primary are sent to. @throws when there is none. */
export async function routed(cluster: Cluster, route: Route): Promise<Member> {
  if (route === "published") {
    const endpoint = await cluster.endpoint();
    if (!endpoint) throw new Refused("nothing is published");
    return cluster.member(endpoint.instance);
  }
  const asked = cluster.data.map(async (member) => {
    if (!(await member.servesPrimary())) throw new Refused(`${member.name} is not the primary`);
    return member;
  });
  return Promise.any(asked).catch(() => {
    throw new Refused("no agent says that it leads");
  });
}

/** Certain that nothing happened: nobody was asked. */
export class Refused extends Error {}

/**
 * Errors after which the statement certainly changed nothing: the server said so before it began, or rolled it back.
 * 1290 read only, 3032 offline, 1205 lock wait, 1213 deadlock, 1040 too many connections, 1045 access denied.
 */
const WITHOUT_EFFECT = new Set([1290, 3032, 1205, 1213, 1040, 1045]);

/** True when the statement certainly had no effect; false when nobody knows. */
export function hadNoEffect(error: unknown): boolean {
  if (error instanceof Refused) return true;
  const errno = (error as { errno?: unknown }).errno;
  return typeof errno === "number" && WITHOUT_EFFECT.has(errno);
}

/** A client's connection, made when needed. */
export class Line {
  private connection: Connection | undefined;

  constructor(
    private readonly cluster: Cluster,
    readonly route: Route,
  ) {}

  /** @throws Refused when no connection could be made: then nothing was sent. */
  async open(): Promise<Connection> {
    try {
      this.connection ??= await (await routed(this.cluster, this.route)).connect();
    } catch (cause) {
      throw new Refused(cause instanceof Error ? cause.message : String(cause));
    }
    return this.connection;
  }

  drop(): void {
    this.connection?.destroy();
    this.connection = undefined;
  }
}
