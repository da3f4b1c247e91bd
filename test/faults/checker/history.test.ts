/** The checker of histories can fail: each kind of lie is seen, and what may have been is let pass. */
import { beforeAll, expect, test } from "vitest";
import { buildChecker, checkHistory, type Operation } from "../history";

let checker: string;
beforeAll(async () => {
  checker = await buildChecker();
}, 120_000);

let clock = 0;
/** One after the other unless `call` and `return` say otherwise. */
function operation(kind: Operation["kind"], value: string, change: Partial<Operation> = {}): Operation {
  clock += 10;
  const object = kind === "append" ? "list" : "register";
  const times = { call: clock, return: clock + 5 };
  return {
    client: 1,
    object,
    key: 1,
    kind,
    value,
    expected: "",
    found: false,
    unknown: false,
    ...times,
    ...change,
  };
}
const list = { object: "list" } as const;
const result = async (...history: Operation[]) => (await checkHistory(checker, history)).result;

test("what one copy could have said is linearizable", async () => {
  expect(
    await result(
      operation("read", ""),
      operation("write", "1"),
      operation("cas", "2", { expected: "1", found: true }),
      operation("cas", "3", { expected: "1", found: false }),
      operation("read", "2"),
      operation("append", "x"),
      operation("append", "y"),
      operation("read", "x,y", list),
    ),
  ).toBe("ok");
});

test("a stale read is seen", async () => {
  const history = [operation("write", "1"), operation("write", "2"), operation("read", "1")];
  expect(await result(...history)).toBe("illegal");
});

test("a lost write is seen", async () => {
  expect(await result(operation("write", "1"), operation("read", ""))).toBe("illegal");
  expect(await result(operation("append", "x"), operation("append", "y"), operation("read", "y", list))).toBe(
    "illegal",
  );
});

test("a write that comes back after it was overwritten is seen", async () => {
  const history = [
    operation("write", "1"),
    operation("write", "2"),
    operation("read", "2"),
    operation("read", "1"),
  ];
  expect(await result(...history)).toBe("illegal");
});

test("two clients that read a list in different orders are seen", async () => {
  const history = [operation("append", "x"), operation("append", "y"), operation("read", "y,x", list)];
  expect(await result(...history)).toBe("illegal");
});

test("a swap that found what was not there is seen", async () => {
  expect(await result(operation("write", "1"), operation("cas", "3", { expected: "2", found: true }))).toBe(
    "illegal",
  );
});

test("a write of unknown outcome may have happened, late, or never; but not be taken back", async () => {
  const lost = operation("write", "1", { unknown: true, return: 0 });
  expect(await result(lost, operation("read", ""))).toBe("ok");
  expect(await result(lost, operation("read", "1"))).toBe("ok");
  expect(await result(lost, operation("read", ""), operation("read", "1"))).toBe("ok");
  expect(await result(lost, operation("read", "1"), operation("read", ""))).toBe("illegal");
});

test("an append of unknown outcome that one saw and a later one did not is seen", async () => {
  const lost = operation("append", "x", { unknown: true, return: 0 });
  const y = operation("append", "y");
  expect(await result(lost, y, operation("read", "x,y", list))).toBe("ok");
  expect(await result(lost, y, operation("read", "y,x", list))).toBe("ok");
  expect(await result(lost, y, operation("read", "y", list), operation("read", "x,y", list))).toBe("illegal");
  expect(await result(lost, y, operation("read", "x,y", list), operation("read", "y", list))).toBe("illegal");
});

test("a swap may fail because of a write of unknown outcome that nobody read", async () => {
  const [one, lost] = [operation("write", "1"), operation("write", "2", { unknown: true, return: 0 })];
  const failed = operation("cas", "3", { expected: "1", found: false });
  expect(await result(one, lost, failed)).toBe("ok");
  expect(await result(one, failed)).toBe("illegal");
});

test("forty operations of unknown outcome are judged at once", async () => {
  const lost = Array.from({ length: 40 }, (_, at) =>
    operation("append", `u${at}`, { unknown: true, return: 0 }),
  );
  const values = Array.from({ length: 60 }, (_, at) => `v${at}`);
  const told = values.flatMap((value, at) => [
    operation("append", value),
    operation("read", values.slice(0, at + 1).join(","), list),
  ]);
  const from = performance.now();
  expect(await result(...lost, ...told)).toBe("ok");
  expect(performance.now() - from).toBeLessThan(5_000);
});

test("of writes at the same time either may be last", async () => {
  const [a, b] = [
    operation("write", "1", { call: 1, return: 9 }),
    operation("write", "2", { call: 2, return: 8 }),
  ];
  expect(await result(a, b, operation("read", "1"))).toBe("ok");
  expect(await result(a, b, operation("read", "2"))).toBe("ok");
});

test("each object is judged for itself, and named", async () => {
  const found = await checkHistory(checker, [
    operation("write", "1"),
    operation("write", "1", { key: 2 }),
    operation("read", "", { key: 2 }),
  ]);
  expect(found).toMatchObject({ result: "illegal", operations: 3, illegal: ["register 2"] });
});
