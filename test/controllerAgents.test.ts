/** The controller's side of the agents' protocol against the agents' own: mutual TLS, the same types, real HTTP. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { MemberStatus, RenewAnswer } from "../api/agent";
import { instanceHost } from "../api/names";
import { secureApp, type AgentApi } from "../agent/http/apps";
import { listenSecure, type Listening } from "../agent/http/servers";
import { HttpAgents, type AgentAddress, type Credentials } from "../capabilities/members/agents";
import { member } from "../capabilities/testing";
import { testAuthority } from "./samples/certificates";

const host = instanceHost("shop", "shop-0", "retail");
const address: AgentAddress = { ip: "127.0.0.1", host };
const status: MemberStatus = member("shop-0", { role: "primary" });

let server: Listening;
let agents: HttpAgents;
let credentials: Credentials;
let behind: Partial<AgentApi> = {};

beforeAll(async () => {
  const authority = await testAuthority();
  const pair = await authority.issue([`*.${host.split(".").slice(1).join(".")}`]);
  const own = { cert: pair.certificate, key: pair.key, ca: authority.certificate };
  const no = (): never => {
    throw new Error("not expected");
  };
  const api: AgentApi = {
    status: () => status,
    putIntent: no,
    generation: () => 1,
    transfer: (body) => (behind.transfer ?? no)(body),
    raft: no,
    publish: no,
    recover: no,
    renew: (bundle, sha256) => (behind.renew ?? no)(bundle, sha256),
  };
  const certificates = { current: () => own, onChange: () => undefined };
  const app = secureApp(api, () => true);
  server = await listenSecure(app, certificates as never, { host: "127.0.0.1", port: 0 });
  agents = new HttpAgents(server.port);
  credentials = { certificate: pair.certificate, key: pair.key, authority: authority.certificate };
});
afterAll(() => server.close());

test("the status comes through", async () => {
  expect(await agents.status(address, credentials)).toEqual(status);
});

test("a transfer is accepted, or refused with the agent's reason", async () => {
  behind = { transfer: () => ({ accepted: true, term: 7 }) };
  const wanted = { reason: "rolling restart" };
  expect(await agents.transfer(address, credentials, wanted)).toEqual({ accepted: true, term: 7 });
  const refusal = { accepted: false, reason: "shop-1 lags by 4 s" } as const;
  behind = { transfer: () => refusal };
  expect(await agents.transfer(address, credentials, wanted)).toEqual(refusal);
});

test("a bundle of some megabytes arrives whole, with its name", async () => {
  const code = Buffer.alloc(3_500_000, "agent ");
  const sha256 = createHash("sha256").update(code).digest("hex");
  let got: string | undefined;
  behind = {
    renew: async (bundle, named): Promise<RenewAnswer> => {
      got = `${createHash("sha256").update(bundle).digest("hex")} ${named}`;
      return { sha256, restarts: true };
    },
  };
  expect(await agents.renew(address, credentials, { code, sha256 })).toEqual({ sha256, restarts: true });
  expect(got).toBe(`${sha256} ${sha256}`);
});

test.each([409, 422, 503] as const)("a bundle that is refused with %i says why", async (code) => {
  behind = { renew: async () => ({ status: code, reason: "the bundle does not start" }) };
  const bundle = { code: Buffer.from("x"), sha256: "0" };
  await expect(agents.renew(address, credentials, bundle)).rejects.toThrow("the bundle does not start");
});
