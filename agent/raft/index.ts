/** The core's table of contents; types.ts says what a caller owes it. */
export { step, nextDeadline } from "./step";
export { freshDurable, initialState, isVoter, nameOf } from "./state";
export { tuningOf } from "./timing";
export { transferRefusal } from "./transfer";
export { recoveryRefusal } from "./rescue";
export { changeWaitsFor, waitsFor } from "./waits";
export { standingOf } from "./standing";
export type * from "./types";
