/** A number from the environment. @throws when it is none. */
export function setting(name: string, fallback: number): number {
  const text = process.env[name] ?? "";
  const value = text === "" ? fallback : Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`${name} must be a number above 0; got ${text}`);
  return value;
}
