import { expect, test } from "vitest";
import { Waiters } from "./waiters";

test("an answer arrives, and nothing of it is kept", async () => {
  const waiters = new Waiters();
  const answers = Array.from({ length: 100 }, (_, at) => waiters.wait(Promise.resolve(at)));
  expect(waiters.size).toBe(100);
  expect((await Promise.all(answers)).at(-1)).toBe(99);
  expect(waiters.size).toBe(0);
});

test("an error arrives, and nothing of it is kept", async () => {
  const waiters = new Waiters();
  await expect(waiters.wait(Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(waiters.size).toBe(0);
});

test("who waits when the connection breaks is refused, and whoever asks later", async () => {
  const waiters = new Waiters();
  const hanging = waiters.wait(new Promise(() => undefined));
  waiters.refuseAll(new Error("broken"));
  await expect(hanging).rejects.toThrow("broken");
  await expect(waiters.wait(Promise.resolve(1))).rejects.toThrow("broken");
  expect(waiters.size).toBe(0);
});
