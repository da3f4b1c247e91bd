/** As much of an API server as the agents' publisher calls: slices with resourceVersions, a pod's labels, events. */
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import type { KeyPair } from "../../capabilities/tls/certificates";

interface Slice {
  metadata: {
    name: string;
    resourceVersion: string;
    annotations: Record<string, string>;
    [key: string]: unknown;
  };
  endpoints: { addresses: string[] }[];
}

export interface FakeApiServer {
  readonly port: number;
  readonly slices: Map<string, Slice>;
  readonly labels: Record<string, string | null>;
  readonly events: { reason: string; message: string; involvedObject: { uid?: string } }[];
  /** "METHOD path", in order. */
  readonly requests: string[];
  /** Requests from here on are answered with this status; 0 = never answered; undefined = as it should be. */
  fault?: number;
  /** Someone else writes the slice. */
  touch(name: string, term: number, ip: string): void;
  close(): Promise<void>;
}

/** Starts one on a free loopback port. */
export async function fakeApiServer(pair: KeyPair): Promise<FakeApiServer> {
  let version = 100;
  const fake = {
    slices: new Map<string, Slice>(),
    labels: {},
    events: [],
    requests: [],
  } as unknown as FakeApiServer;
  const store = (slice: Slice): Slice => {
    const stored = { ...slice, metadata: { ...slice.metadata, resourceVersion: String(++version) } };
    fake.slices.set(slice.metadata.name, stored);
    return stored;
  };
  const answer = (method: string, path: string, body: unknown): [number, unknown] => {
    if (path.includes("/mysqlclusters/")) return [200, { metadata: { uid: "uid-1" } }];
    if (path.includes("/pods/"))
      return [200, Object.assign(fake.labels, (body as { metadata: { labels: object } }).metadata.labels)];
    if (path.endsWith("/events")) return [201, fake.events.push(body as FakeApiServer["events"][number])];
    const name = path.split("/endpointslices/")[1];
    if (name === undefined) {
      const slice = body as Slice;
      return fake.slices.has(slice.metadata.name) ? [409, { message: "exists" }] : [201, store(slice)];
    }
    const stored = fake.slices.get(name);
    if (!stored) return [404, { message: "not found" }];
    if (method === "GET") return [200, stored];
    const same = (body as Slice).metadata.resourceVersion === stored.metadata.resourceVersion;
    return same ? [200, store(body as Slice)] : [409, { message: "the object has been modified" }];
  };
  const server = https.createServer({ cert: pair.certificate, key: pair.key }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      fake.requests.push(`${request.method} ${(request.url ?? "").split("/").at(-1)}`);
      if (fake.fault === 0) return;
      const text = Buffer.concat(chunks).toString();
      const body: unknown = text === "" ? undefined : JSON.parse(text);
      const authorised = request.headers.authorization === "Bearer token-1";
      const [status, reply] = !authorised
        ? [401, { message: "Unauthorized" }]
        : fake.fault !== undefined
          ? [fake.fault, { message: "fault" }]
          : answer(request.method ?? "", request.url ?? "", body);
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(reply));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(fake, {
    port: (server.address() as AddressInfo).port,
    touch: (name: string, term: number, ip: string) => {
      store({
        metadata: { name, resourceVersion: "", annotations: { "porpoise.dev/term": String(term) } },
        endpoints: [{ addresses: [ip] }],
      });
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}
