import { expect, test } from "vitest";
import { xaRollback } from "./clone";

test.each([
  [{ formatID: 1, gtrid_length: 2, bqual_length: 0, data: "0x7861" }, "XA ROLLBACK X'7861',X'',1"],
  [{ formatID: "7", gtrid_length: "1", bqual_length: "2", data: "0x276262" }, "XA ROLLBACK X'27',X'6262',7"],
])("a prepared transaction is named byte by byte: %j", (row, statement) => {
  expect(xaRollback(row)).toBe(statement);
});
