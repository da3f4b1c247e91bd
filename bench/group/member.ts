/** One mysqld of a plain set, asked by SQL at its pod's address. */
import { createConnection, type Connection, type RowDataPacket } from "mysql2/promise";
import { kube } from "../cluster";
import type { KubeObject } from "../../capabilities/objects";
import { ADMIN_USER, DATABASE, PORT, type Place } from "./config";
import { podLabels } from "./manifests";

export interface Pod {
  readonly name: string;
  readonly uid: string;
  readonly ip: string;
  readonly node: string;
  readonly deleting: boolean;
}

interface PodObject extends KubeObject {
  readonly spec?: { readonly nodeName?: string };
  readonly status?: { readonly podIP?: string };
}

/** The pods of the set, by name. */
export async function readGroupPods(place: Place): Promise<Pod[]> {
  const query = { apiVersion: "v1", kind: "Pod", namespace: place.namespace, labels: podLabels(place) };
  const pods = await kube().list<PodObject>(query);
  return pods
    .map(({ metadata, spec, status }) => ({
      name: metadata.name,
      uid: metadata.uid ?? "",
      ip: status?.podIP ?? "",
      node: spec?.nodeName ?? "",
      deleting: metadata.deletionTimestamp !== undefined,
    }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

export interface Credentials {
  readonly password: string;
  readonly ca: string;
}

/** A session that is opened when needed, and anew after every error; its pod's address may change. */
export class Member {
  private connection: Connection | undefined;

  constructor(
    readonly name: string,
    private ip: string,
    private readonly credentials: Credentials,
  ) {}

  get address(): string {
    return this.ip;
  }

  /** The pod was made anew. */
  moveTo(ip: string): void {
    if (ip === this.ip) return;
    this.ip = ip;
    this.close();
  }

  /** @throws what mysqld says, or when it does not answer in time. */
  async query(sql: string, timeoutMs = 1_000): Promise<RowDataPacket[]> {
    try {
      this.connection ??= await this.open(Math.min(timeoutMs, 1_000));
      const [rows] = await this.connection.query<RowDataPacket[]>({ sql, timeout: timeoutMs });
      return rows;
    } catch (cause) {
      this.close();
      throw cause;
    }
  }

  close(): void {
    this.connection?.destroy();
    this.connection = undefined;
  }

  private async open(connectTimeout: number): Promise<Connection> {
    const { password, ca } = this.credentials;
    const user = ADMIN_USER;
    const access = { host: this.ip, port: PORT, user, password, ssl: { ca }, connectTimeout };
    const connection = await createConnection(access);
    connection.on("error", () => undefined); // The next query tells it.
    return connection;
  }
}

export { DATABASE };
