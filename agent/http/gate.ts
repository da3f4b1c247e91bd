/** The gate of /primary: shut at once when the core says so, opened only with a newer or equal term's publication. */
import type { GatePort } from "../ports";

export interface Gate extends GatePort {
  isOpen(): boolean;
}

/** A gate that starts shut. */
export function createGate(): Gate {
  let open = false;
  return {
    open: () => void (open = true),
    close: () => void (open = false),
    isOpen: () => open,
  };
}
