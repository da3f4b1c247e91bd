/** Applies the Services; those of pools that are gone go too, with the slices that the agents wrote for them. */
import { LABEL } from "../../api/labels";
import { placeOf, type Context, type Observed } from "../context";
import { refOf, type KubeObject } from "../objects";
import { services } from "./services";

export async function reconcileServices(context: Context): Promise<Partial<Observed>> {
  const pools = (context.cluster.spec.readReplicas ?? []).map(({ name }) => name);
  const wanted = services(placeOf(context), pools);
  await context.applier.all(wanted);
  await prune(
    context,
    wanted.map(({ metadata }) => metadata.name),
  );
  return {};
}

async function prune({ kube, name, namespace }: Context, wanted: readonly string[]): Promise<void> {
  const labels = { [LABEL.cluster]: name, [LABEL.component]: "service" };
  const stored = await kube.list<KubeObject>({ apiVersion: "v1", kind: "Service", namespace, labels });
  for (const service of stored.filter(({ metadata }) => !wanted.includes(metadata.name))) {
    const slice = { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", namespace };
    await kube.delete({ ...slice, name: service.metadata.name });
    await kube.delete(refOf(service));
  }
}
