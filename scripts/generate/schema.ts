/** The part of a CustomResourceDefinition the generators read. */

export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
  readonly "x-kubernetes-validations"?: readonly {
    readonly message?: string;
    readonly messageExpression?: string;
  }[];
}

export interface Crd {
  readonly spec: {
    readonly group: string;
    readonly names: {
      readonly kind: string;
      readonly plural: string;
      readonly shortNames?: readonly string[];
    };
    readonly versions: readonly {
      readonly name: string;
      readonly additionalPrinterColumns?: readonly { readonly name: string; readonly priority?: number }[];
      readonly schema: { readonly openAPIV3Schema: Schema };
    }[];
  };
}

/** The schema of the kind's only version. @throws Error when the CRD has none. */
export function schemaOf(crd: Crd): Schema {
  const version = crd.spec.versions[0];
  if (version === undefined) throw new Error(`${crd.spec.names.kind}: no version`);
  return version.schema.openAPIV3Schema;
}

/**
 * What the API server fills in below this schema: its own default, overlaid with those of its properties.
 * Undefined when there is none.
 */
export function defaultsOf(schema: Schema): unknown {
  if (schema.properties === undefined || schema.default === undefined) return schema.default;
  const nested = Object.entries(schema.properties)
    .map(([name, property]): [string, unknown] => [name, defaultsOf(property)])
    .filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(nested), ...(schema.default as object) };
}
