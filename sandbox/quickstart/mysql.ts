/** `make mysql`: a mysql client in a pod of the cluster, at the primary's Service, as the application's user. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { LABEL } from "../../api/labels";
import { names } from "../../api/names";
import { POD_PATHS } from "../../api/paths";
import { paths } from "../config";
import { kubectl } from "../kube";

// The password stays in the pod: the client reads it from the mounted Secret, not from a command line.
const secret = (key: string): string => `$(cat ${POD_PATHS.secrets}/app/${key})`;

async function main(): Promise<void> {
  const cluster = process.env["C"] || "shop";
  const namespace = process.env["NS"] || "default";
  const selector = `${LABEL.cluster}=${cluster}`;
  const pods = await kubectl(["-n", namespace, "get", "pods", "-l", selector, "-o", "name"]);
  const pod = pods.trim().split("\n")[0];
  if (!pod) throw new Error(`there is no pod of a cluster ${cluster} in namespace ${namespace}`);
  const host = names.primaryService(cluster);
  const client = `MYSQL_PWD="${secret("password")}" exec mysql -h ${host} -u "${secret("username")}" "${secret("database")}"`;
  const tty = process.stdin.isTTY ? ["-it"] : ["-i"];
  const args = ["-n", namespace, "exec", ...tty, pod, "-c", "mysql", "--", "sh", "-c", client];
  const env = { ...process.env, KUBECONFIG: paths().kubeconfig };
  process.exitCode = spawnSync(join(paths().bin, "kubectl"), args, { stdio: "inherit", env }).status ?? 1;
}

main().catch((cause: unknown) => {
  console.error(cause instanceof Error ? cause.message : cause);
  process.exitCode = 1;
});
