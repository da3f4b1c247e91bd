/**
 * The cluster's own CA and the two certificates it signs: mysqld's (`<c>-tls`) and the agents' (`<c>-agent`), which
 * is also the controller's own towards the agents. Renewed 30 days before the end; kubelet brings the new files into
 * the pods and the agents load them again.
 */
import { names } from "../../api/names";
import type { Context, Observed } from "../context";
import { ensureSecret, secretObject, text, type Secret } from "../secrets";
import { issue, makeAuthority, readCertificate, type KeyPair, type LeafRequest } from "./certificates";
import { agentNames, serverNames } from "./names";
import { AUTHORITY_DAYS, LEAF_DAYS, renewalReason, validFor } from "./renewal";

type Usages = LeafRequest["usages"];

interface Leaf {
  readonly secret: string;
  readonly commonName: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly usages: Usages;
}

/** Makes and renews certificates. @returns their state and the controller's credentials towards the agents. */
export async function reconcileTls(context: Context): Promise<Partial<Observed>> {
  const { name, namespace, settings } = context;
  const authority = await ensureAuthority(context);
  const loopback = ["127.0.0.1"];
  const pools = (context.cluster.spec.readReplicas ?? []).map((pool) => pool.name);
  const server: Leaf = {
    secret: names.tlsSecret(name),
    commonName: `${name}.${namespace}`.slice(0, 64),
    dnsNames: serverNames(name, namespace, settings.clusterDomain, pools),
    ipAddresses: loopback,
    usages: ["server"],
  };
  const agent: Leaf = {
    secret: names.agentSecret(name),
    commonName: `agent.${name}.porpoise`,
    dnsNames: agentNames(name, namespace, settings.clusterDomain),
    ipAddresses: [],
    usages: ["server", "client"],
  };
  const [serverEnd, agentEnd] = await Promise.all([
    ensureLeaf(context, authority, server),
    ensureLeaf(context, authority, agent),
  ]);
  const notAfter = new Date(Math.min(serverEnd.notAfter.getTime(), agentEnd.notAfter.getTime()));
  const credentials = { ...agentEnd.pair, authority: authority.certificate };
  return {
    tls: { notAfter, renewed: [serverEnd, agentEnd].flatMap(({ renewed }) => renewed ?? []) },
    credentials,
  };
}

async function ensureAuthority(context: Context): Promise<KeyPair> {
  const { name, namespace, now } = context;
  const secret = await ensureSecret(context, names.caSecret(name), async () => {
    const { notBefore, notAfter } = validFor(AUTHORITY_DAYS, now);
    const made = await makeAuthority(`porpoise ${namespace}/${name}`.slice(0, 64), notBefore, notAfter);
    return { "tls.crt": made.certificate, "tls.key": made.key, "ca.crt": made.certificate };
  });
  return pairOf(secret);
}

async function ensureLeaf(context: Context, authority: KeyPair, leaf: Leaf) {
  const validity = validFor(LEAF_DAYS, context.now);
  const make = async () => certificateData(await issue(authority, { ...leaf, ...validity }), authority);
  const stored = await ensureSecret(context, leaf.secret, make);
  const pair = pairOf(stored);
  const facts = await readCertificate(pair.certificate, authority.certificate);
  const reason = renewalReason(facts, leaf.dnsNames, context.now);
  if (reason === undefined && facts) return { pair, notAfter: facts.notAfter };
  const renewed = await issue(authority, { ...leaf, ...validity });
  await context.kube.apply(secretObject(context, leaf.secret, certificateData(renewed, authority)));
  return { pair: renewed, notAfter: validity.notAfter, renewed: `${leaf.secret} (${reason})` };
}

function certificateData(pair: KeyPair, authority: KeyPair): Record<string, string> {
  return { "tls.crt": pair.certificate, "tls.key": pair.key, "ca.crt": authority.certificate };
}

function pairOf(secret: Secret): KeyPair {
  return { certificate: text(secret, "tls.crt"), key: text(secret, "tls.key") };
}
