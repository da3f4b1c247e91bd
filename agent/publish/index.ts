/** Slices, role label and events: table of contents. */
export type { Board } from "./board";
export type { PublishOutcome } from "./conditional";
export { createFileBoard, readSliceFile, type SliceFile } from "./files";
export { createKubeBoard, SERVICE_ACCOUNT } from "./kube";
export { createPublisher, type Publisher } from "./publisher";
