/**
 * TypeScript from a CRD's schema: plain readonly interfaces, string-literal unions for enums, and the defaults as
 * a constant. Own code because api/ imports nothing, and kubernetes-fluent-client's output extends a class of its
 * own and turns enums into names like `The97` (pepr-facts.md, 6).
 */
import { defaultsOf, schemaOf, type Crd, type Schema } from "./schema";

/** A schema cannot say "string, number or boolean"; our CRDs say it by no type at all, and admission checks it. */
const SCALAR = "string | number | boolean";

/** The text of api/generated/<kind>.ts, not yet formatted. */
export function typesOf(crd: Crd, source: string): string {
  const { kind } = crd.spec.names;
  const { spec = {}, status = {} } = schemaOf(crd).properties ?? {};
  const out: string[] = [`// Generated from ${source} by \`npm run generate\`. Do not edit.\n`];
  writeInterface(out, `${kind}Spec`, spec);
  writeInterface(out, `${kind}Status`, status);
  writeDefaulted(out, `${kind}Spec`, spec);
  out.push(`/** The defaults of the schema, as the API server fills them in. */`);
  out.push(`export const ${kind}Defaults = ${JSON.stringify(defaultsOf(spec), null, 2)} as const;\n`);
  return out.join("\n");
}

function writeInterface(out: string[], name: string, schema: Schema): void {
  const lines = Object.entries(schema.properties ?? {}).map(([field, property]) => {
    const optional = schema.required?.includes(field) === true ? "" : "?";
    return `${comment(property)}  readonly ${key(field)}${optional}: ${typeOf(out, name + pascal(field), property)};`;
  });
  out.push(`${comment(schema, "")}export interface ${name} {\n${lines.join("\n")}\n}\n`);
}

/** The same with every field present that has a default: what `withDefaults` returns. */
function writeDefaulted(out: string[], name: string, schema: Schema): void {
  const defaulted = Object.entries(schema.properties ?? {}).filter(
    ([, property]) => property.default !== undefined,
  );
  const lines = defaulted.map(([field, property]) => {
    const nested = property.properties !== undefined && property.default !== undefined;
    if (nested) writeDefaulted(out, name + pascal(field), property);
    const type = nested
      ? `Defaulted${name}${pascal(field)}`
      : `NonNullable<${name}[${JSON.stringify(field)}]>`;
    return `  readonly ${key(field)}: ${type};`;
  });
  out.push(`/** ${name} with the schema's defaults filled in. */`);
  out.push(`export interface Defaulted${name} extends ${name} {\n${lines.join("\n")}\n}\n`);
}

function typeOf(out: string[], name: string, schema: Schema): string {
  if (schema["x-kubernetes-int-or-string"] === true) return "number | string";
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  switch (schema.type) {
    case "string":
    case "boolean":
      return schema.type;
    case "integer":
    case "number":
      return "number";
    case "array":
      return `readonly (${typeOf(out, `${name}Item`, schema.items ?? {})})[]`;
    case "object":
      return objectType(out, name, schema);
    default:
      return schema["x-kubernetes-preserve-unknown-fields"] === true ? SCALAR : "unknown";
  }
}

function objectType(out: string[], name: string, schema: Schema): string {
  if (schema.properties !== undefined) {
    writeInterface(out, name, schema);
    return name;
  }
  return `Readonly<Record<string, ${typeOf(out, `${name}Value`, schema.additionalProperties ?? {})}>>`;
}

const pascal = (field: string): string =>
  field
    .split("-")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
const key = (field: string): string => (/^[A-Za-z_]\w*$/.test(field) ? field : JSON.stringify(field));

function comment(schema: Schema, indent = "  "): string {
  if (schema.description === undefined) return "";
  const value =
    schema.default === undefined || schema.properties !== undefined
      ? ""
      : ` Default: ${JSON.stringify(schema.default)}.`;
  return `${indent}/** ${schema.description.trim()}${value} */\n`;
}
