/** The same mysqld, alone: no replica, no agent, nobody to wait for. What it does is what safety costs. */
import { randomBytes } from "node:crypto";
import { kube, serviceIp } from "../cluster";
import { deleteNamespace, ensureNamespace } from "../fleet";
import { aloneConfig, APP_USER, appSql, DATABASE, initSql, startScript, type Place } from "../group/config";
import { certificates } from "../group/group";
import { manifests, primaryService, primarySlice } from "../group/manifests";
import { Member, readGroupPods } from "../group/member";
import type { Target } from "../trials/subject";
import { waitFor } from "../waits";

const PLACE: Place = { namespace: "bench-alone", name: "alone", members: 1 };
const MADE_MS = 120_000;

export interface Alone {
  readonly target: Target;
  remove(): Promise<void>;
}

/** Makes it from nothing; 10 s. */
export async function makeAlone(): Promise<Alone> {
  await deleteNamespace(PLACE.namespace);
  await ensureNamespace(PLACE.namespace);
  const password = randomBytes(16).toString("hex");
  const { tls, ca } = await certificates();
  const content = {
    config: aloneConfig(),
    script: startScript(PLACE, { group: false }),
    secret: { ...tls, "init.sql": initSql(password) },
  };
  for (const object of manifests(PLACE, content)) await kube().apply(object);
  const member = await waitFor("the lone mysqld", { deadlineMs: MADE_MS, everyMs: 250 }, async () => {
    const [pod] = await readGroupPods(PLACE);
    if (!pod || pod.ip === "") return "no pod with an address";
    const found = new Member(pod.name, pod.ip, { password, ca });
    await found.query("DO 1");
    return { value: found };
  });
  for (const sql of appSql(password)) await member.query(sql);
  await kube().apply(primarySlice(PLACE, member.address));
  member.close();
  const host = await serviceIp(PLACE.namespace, primaryService(PLACE));
  return {
    target: { host, user: APP_USER, password, database: DATABASE, ca },
    remove: () => deleteNamespace(PLACE.namespace),
  };
}
