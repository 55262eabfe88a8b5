// Lists and compares the fields of CustomResourceDefinitions. Pure.

/** The part of a schema that holds other schemas. */
interface Node<S> {
  readonly properties?: Readonly<Record<string, S>>;
  readonly items?: S;
}

/** The part of a schema that is compared. */
export interface Schema extends Node<Schema> {
  readonly enum?: readonly unknown[];
}

/** The part of a CustomResourceDefinition (apiextensions.k8s.io/v1) that is compared. */
export interface Definition {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly versions: readonly { readonly name: string; readonly schema?: { readonly openAPIV3Schema?: Schema } }[];
  };
}

/** Every field below a schema with its path, such as `regions[].location`; a parent comes before its children. */
export function fieldsOf<S extends Node<S>>({ properties = {} }: S, parent = ''): [path: string, field: S][] {
  return Object.entries(properties).flatMap(([name, field]) => {
    const path = parent + name;
    const inner = field.items ? fieldsOf(field.items, `${path}[].`) : fieldsOf(field, `${path}.`);
    return [[path, field] as [string, S], ...inner];
  });
}

/**
 * The fields of spec and status, and each value that an enumeration allows, such as `status.phase=Ready`. Empty if the definition
 * does not have the version.
 */
export function knownFields({ spec: { versions } }: Definition, version: string): string[] {
  const { spec, status } = versions.find(({ name }) => name === version)?.schema?.openAPIV3Schema?.properties ?? {};
  const properties = { ...(spec && { spec }), ...(status && { status }) };
  return fieldsOf<Schema>({ properties }).flatMap(([path, field]) => [
    path,
    ...(field.enum ?? []).map((value) => `${path}=${value}`),
  ]);
}

/** The elements of `fields` that `others` lacks, without those below another one. Both as `knownFields` lists them. */
export function fieldsBeyond(fields: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others);
  const beyond: string[] = [];
  for (const field of fields) {
    // A parent comes before its children. To search all of them would take half a minute for the largest CRDs.
    const parent = beyond.at(-1);
    if (known.has(field) || (parent !== undefined && isBelow(field, parent))) continue;
    beyond.push(field);
  }
  return beyond;
}

function isBelow(field: string, parent: string): boolean {
  return field.startsWith(parent) && '.[='.includes(field.charAt(parent.length));
}
