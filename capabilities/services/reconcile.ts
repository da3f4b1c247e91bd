/** Applies the Services. */
import { placeOf, type Context, type Observed } from "../context";
import { services } from "./services";

export async function reconcileServices(context: Context): Promise<Partial<Observed>> {
  await context.applier.all(services(placeOf(context)));
  return {};
}
