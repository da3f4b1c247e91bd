/** docs/api.md from the CRDs: every field with its type, default and meaning, as the API server knows them. */
import { schemaOf, type Crd, type Schema } from "./schema";

/** The whole page. */
export function referenceOf(crds: readonly Crd[]): string {
  return [
    "# API reference",
    "",
    "Made from `crds/` by `npm run generate`; `kubectl explain mysql.spec` shows the same in a terminal.",
    ...crds.flatMap(kindSection),
    "",
  ].join("\n");
}

function kindSection(crd: Crd): string[] {
  const { kind, shortNames = [] } = crd.spec.names;
  const schema = schemaOf(crd);
  const version = crd.spec.versions[0];
  const columns = (version?.additionalPrinterColumns ?? []).map(({ name, priority }) =>
    priority ? `${name} (wide)` : name,
  );
  const { spec = {}, status = {} } = schema.properties ?? {};
  return [
    "",
    `## ${kind}`,
    "",
    `\`${crd.spec.group}/${version?.name ?? ""}\`, short name \`${shortNames.join("`, `")}\`. ${schema.description ?? ""}`,
    "",
    `\`kubectl get\` shows ${columns.join(", ")}.`,
    "",
    "### spec",
    "",
    ...table(spec, "spec"),
    "",
    "### Rules",
    "",
    "Refused by the API server itself, whatever runs:",
    "",
    ...rules(schema).map((rule) => `- ${rule}`),
    "",
    "### status",
    "",
    ...table(status, "status"),
  ];
}

function table(schema: Schema, path: string): string[] {
  return ["| Field | Type | Default | Meaning |", "|---|---|---|---|", ...rows(schema, path)];
}

function rows(schema: Schema, path: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const here = `${path}.${name}`;
    const shown =
      property.default === undefined || property.properties !== undefined
        ? ""
        : code(JSON.stringify(property.default));
    const meaning = (property.description ?? "").trim().replaceAll("<", "\\<");
    const row = `| ${code(here)} | ${typeName(property)} | ${shown} | ${meaning} |`;
    return [
      row,
      ...rows(property, here),
      ...(property.items === undefined ? [] : rows(property.items, `${here}[]`)),
    ];
  });
}

function typeName(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map(code).join(", ");
  if (schema["x-kubernetes-int-or-string"] === true) return "number or string";
  if (schema.type === "array") return `list of ${typeName(schema.items ?? {})}`;
  if (schema.additionalProperties !== undefined) return "map";
  return schema.type ?? "any";
}

/** Each rule's message; where it is an expression, its text with … for what the object fills in. */
function rules(schema: Schema): string[] {
  const own = (schema["x-kubernetes-validations"] ?? []).map(
    ({ message, messageExpression = "" }) => message ?? sentence(messageExpression),
  );
  const nested = Object.values(schema.properties ?? {}).flatMap(rules);
  return [...own, ...nested];
}

function sentence(expression: string): string {
  const text = expression
    .trim()
    .replace(/'\s*\.format\([\s\S]*$/, "'")
    .replace(/'\s*\+[^']*\+\s*'/g, "…");
  return text.slice(1, -1).replace(/%d%s|%[ds]/g, "…");
}

const code = (text: string): string => `\`${text.replaceAll("|", "\\|")}\``;
