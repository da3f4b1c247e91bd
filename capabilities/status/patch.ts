/** A JSON merge patch from one status to the next. Pure. */

/** What turns `before` into `after`: removed fields are null, lists whole; undefined when nothing changes. */
export function mergePatch(before: unknown, after: unknown): object | undefined {
  const from = fields(before);
  const to = fields(after);
  const changes: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const old = from[key];
    const value = to[key];
    if (JSON.stringify(old) === JSON.stringify(value)) continue;
    if (value === undefined) changes[key] = null;
    else if (isObject(old) && isObject(value)) {
      const inner = mergePatch(old, value);
      if (inner) changes[key] = inner;
    } else changes[key] = value;
  }
  return Object.keys(changes).length === 0 ? undefined : changes;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fields(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {};
}
