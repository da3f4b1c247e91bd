/** Which fields of two specs differ. */

export interface FieldChange {
  /** Below spec, joined with dots: "config.max_connections". */
  readonly field: string;
  readonly path: readonly string[];
  /** Undefined: absent. */
  readonly before: unknown;
  readonly after: unknown;
}

/** Every leaf that differs, in the order of the schema. A list is a leaf: its items have no names. */
export function changedFields(before: object, after: object, path: readonly string[] = []): FieldChange[] {
  const [a, b] = [before as Record<string, unknown>, after as Record<string, unknown>];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key): FieldChange[] => {
    const here = [...path, key];
    if (isMap(a[key]) || isMap(b[key]))
      return changedFields(isMap(a[key]) ? a[key] : {}, isMap(b[key]) ? b[key] : {}, here);
    if (canonical(a[key]) === canonical(b[key])) return [];
    return [{ field: here.join("."), path: here, before: a[key], after: b[key] }];
  });
}

const isMap = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** One text for equal values, whatever the order of their keys. */
function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, inner: unknown) =>
    isMap(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}
