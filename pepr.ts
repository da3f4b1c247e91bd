/** The Pepr module: the webhooks beside the controller, which is handed the webhooks' rules. No logic. */
import "./runtime-patches"; // First: it repairs what the other imports load.
import { PeprModule } from "pepr";
import { controllerCapability } from "./capabilities";
import config from "./package.json";
import { admission, validateCluster } from "./webhooks";

new PeprModule(config, [admission, controllerCapability((cluster) => validateCluster(cluster))]);
