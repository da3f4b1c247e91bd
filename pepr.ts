/** The Pepr module: puts the webhooks' capability beside the controller's. No logic. */
import "./runtime-patches"; // First: it repairs what the other imports load.
import { PeprModule } from "pepr";
import { controllerCapability } from "./capabilities";
import config from "./package.json";

new PeprModule(config, [controllerCapability(() => [])]);
