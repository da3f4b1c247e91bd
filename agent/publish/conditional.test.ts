/** Who may write a slice: the newest leader of the cluster that lives on. */
import { expect, test } from "vitest";
import type { PublishRequest } from "../../api/agent";
import { decideWrite } from "./conditional";

const request = (term: number, ip = "10.0.0.1"): PublishRequest => ({
  service: "primary",
  term,
  leader: "shop-0.a",
  endpoints: [{ instance: "shop-0", pod: "shop-0-0", ip }],
});

test("decisions", () => {
  const stored = { term: 3, version: "1", ips: ["10.0.0.1"] };
  expect(decideWrite(undefined, request(3))).toBe("write");
  expect(decideWrite(stored, request(2))).toEqual({ result: "superseded", term: 3 });
  expect(decideWrite(stored, request(3))).toEqual({ result: "same" });
  expect(decideWrite(stored, request(3, "10.0.0.2"))).toBe("write");
  expect(decideWrite(stored, request(4))).toBe("write");
});

test("after a recovery the old majority cannot take the Service back, however high its term", () => {
  const recovered = { ...request(4), clusterId: "new", formerClusterIds: ["old"] };
  const returned = { ...request(9), clusterId: "old", formerClusterIds: [] };
  const stored = { term: 7, version: "1", ips: ["10.0.0.2"] };
  expect(decideWrite({ ...stored, clusterId: "old" }, recovered)).toBe("write");
  const refusal = { result: "superseded", term: 7, clusterId: "new" };
  expect(decideWrite({ ...stored, clusterId: "new" }, returned)).toEqual(refusal);
  expect(decideWrite({ ...stored, clusterId: "old" }, returned)).toBe("write");
  expect(decideWrite(stored, returned)).toBe("write"); // Written by a release that did not sign.
});
