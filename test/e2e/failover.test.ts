/** The primary is lost in three ways, each under eight clients at the Service. */
import { describe, expect } from "vitest";
import { FAULTS, incident } from "../../bench/incident";
import { expectFailover, SHOP, story, underWriters } from "./shop";

describe("another instance takes over, and no acknowledged row is missing", () => {
  story("after SIGKILL to the primary's mysqld", () =>
    underWriters({}, async (writers) => {
      const one = await incident(SHOP, writers, FAULTS["mysqld-sigkill"]);
      expectFailover("mysqld-sigkill", one);
    }),
  );

  story("when the primary's pod is deleted: it hands over before it stops", () =>
    underWriters({}, async (writers) => {
      const one = await incident(SHOP, writers, FAULTS["pod-deleted"]);
      expectFailover("pod-deleted", one);
      expect(one.after.primary).not.toBe(one.before.primary);
      // Nothing was left unacknowledged: the gate was closed first.
      expect(one.comeback.how).toBe("kept");
    }),
  );

  story("when the primary's node is off the network, and it joins again when the node is back", () =>
    underWriters({}, async (writers) => {
      const one = await incident(SHOP, writers, FAULTS["node-lost"]);
      expectFailover("node-lost", one);
      expect(one.after.primary).not.toBe(one.before.primary);
    }),
  );
});
