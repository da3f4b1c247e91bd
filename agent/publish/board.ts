/** Where a member publishes: Kubernetes, or a directory in process tests. */
import type { MemberRole } from "../../api/agent";
import type { SlicePort } from "./conditional";

/** A Kubernetes event. */
export interface Note {
  readonly type: "Normal" | "Warning";
  /** One word of api.md's list. */
  readonly reason: string;
  readonly message: string;
}

export interface Board {
  readonly slices: SlicePort;
  /** Labels the own pod; "unknown" takes the label away. @throws when it could not. */
  setRole(role: MemberRole): Promise<void>;
  /** @throws when it could not. */
  tell(note: Note): Promise<void>;
  close(): void;
}
