/**
 * Admission on our own kinds; the only file of webhooks/ that knows Pepr. It binds, it decides nothing.
 * Subresources never come here: what must hold for /scale is CEL in the CRD.
 */
import { Capability, K8s, kind, type PeprMutateRequest, type PeprValidateRequest } from "pepr";
import type { MySQLCluster } from "../api/mysqlcluster";
import { MySQLClusterKind } from "../kinds";
import { safely, type Answer } from "./answer";
import { metadataDefaults } from "./mysqlcluster/defaults";
import { validateDeletion } from "./mysqlcluster/deletion";
import { readFacts, type StorageClass } from "./mysqlcluster/facts";
import { reviewChange } from "./mysqlcluster/validate";

export { validateCluster } from "./mysqlcluster/validate";

export const admission = new Capability({
  name: "admission",
  description: "Defaults, denials and plan warnings of Porpoise's kinds",
});
const { When } = admission;

When(MySQLClusterKind).IsCreated().Mutate(setDefaults);
When(MySQLClusterKind).IsCreatedOrUpdated().Validate(reviewRequest);
When(MySQLClusterKind).IsDeleted().Validate(reviewDeletion);

/** Finalizer and label of a new cluster. */
export function setDefaults(request: PeprMutateRequest<MySQLClusterKind>): void {
  const metadata = (request.Raw.metadata ??= {});
  const { finalizers, labels } = metadataDefaults(metadata as Parameters<typeof metadataDefaults>[0]);
  metadata.finalizers = [...(finalizers ?? [])];
  metadata.labels = { ...labels };
}

/** Denials, or the plan as warnings. */
export async function reviewRequest(
  request: PeprValidateRequest<MySQLClusterKind>,
): ReturnType<typeof respond> {
  const next = request.Raw as unknown as MySQLCluster;
  // The API server sends oldObject: null with a creation, whatever Pepr's type says.
  const previous = (request.OldResource ?? undefined) as unknown as MySQLCluster | undefined;
  const problems = async () =>
    reviewChange(next, previous, await readFacts(next, previous, readStorageClasses));
  return respond(request, await safely(problems));
}

/** A protected cluster is not deleted. */
export async function reviewDeletion(
  request: PeprValidateRequest<MySQLClusterKind>,
): ReturnType<typeof respond> {
  return respond(request, await safely(() => validateDeletion(request.Raw as unknown as MySQLCluster)));
}

type Response = ReturnType<PeprValidateRequest<MySQLClusterKind>["Approve"]>;

async function respond(request: PeprValidateRequest<MySQLClusterKind>, answer: Answer): Promise<Response> {
  return answer.allowed ? request.Approve(answer.warnings) : request.Deny(answer.message, 422);
}

async function readStorageClasses(): Promise<readonly StorageClass[]> {
  return (await K8s(kind.StorageClass).Get()).items;
}
