/** A number from the environment. @throws when it is none. */
export function setting(name: string, fallback: number): number {
  const text = process.env[name] ?? "";
  const value = text === "" ? fallback : Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`${name} must be a number above 0; got ${text}`);
  return value;
}

/** A key of `choices` from the environment. @throws when it is none of them. */
export function choice<Key extends string>(
  name: string,
  fallback: Key,
  choices: Readonly<Record<Key, unknown>>,
): Key {
  const text = process.env[name] ?? "";
  if (text === "") return fallback;
  const keys = Object.keys(choices) as Key[];
  const found = keys.find((key) => key === text);
  if (found === undefined) throw new Error(`${name} must be one of ${keys.join(", ")}; got ${text}`);
  return found;
}
