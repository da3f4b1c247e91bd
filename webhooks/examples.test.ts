import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { load, loadAll } from "js-yaml";
import { expect, test } from "vitest";
import type { MySQLCluster } from "../api/mysqlcluster";
import { schemaOf, type Crd, type Schema } from "../scripts/generate/schema";
import { validateCluster } from "./mysqlcluster/validate";

const ROOT = path.join(__dirname, "..");
const crd = load(readFileSync(path.join(ROOT, "crds/mysqlcluster.yaml"), "utf8")) as Crd;
const examples = readdirSync(path.join(ROOT, "examples")).filter((name) => name.endsWith(".yaml"));

/** Paths of the object that the schema does not know: the API server would refuse or prune them. */
function unknownFields(value: unknown, schema: Schema | undefined, at: string): string[] {
  if (schema === undefined) return [at];
  if (Array.isArray(value))
    return value.flatMap((item, i) => unknownFields(item, schema.items, `${at}[${i}]`));
  if (typeof value !== "object" || value === null || schema["x-kubernetes-preserve-unknown-fields"])
    return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    unknownFields(inner, schema.properties?.[key] ?? schema.additionalProperties, `${at}.${key}`),
  );
}

test.each(examples)("%s is accepted without a word", (file) => {
  for (const object of loadAll(readFileSync(path.join(ROOT, "examples", file), "utf8")) as MySQLCluster[]) {
    if (object.kind !== "MySQLCluster") continue;
    expect(unknownFields(object.spec, schemaOf(crd).properties?.["spec"], "spec")).toEqual([]);
    expect(validateCluster({ ...object, spec: object.spec ?? {} })).toEqual([]);
  }
});
