// Reads the values of the Helm chart, and derives from them its values.schema.json and the table in its README.
import { type Document, isMap, isNode, isScalar, parseDocument, type YAMLMap } from 'yaml';
import { rules, type Schema } from './chart-schema.ts';
import { tableOf } from './generated.ts';

/** A leaf of values.yaml. */
export interface ChartValue {
  /** Such as `azure.clientId`. */
  readonly path: string;
  readonly default: unknown;
  /** Its comment, on one line. */
  readonly description: string;
}

/** The leaves in the order of the file. A map in block style is a group of values; one in flow style, `{…}`, is a value. */
export function chartValues(text: string): ChartValue[] {
  const document = parseDocument(text);
  if (document.errors[0]) throw document.errors[0];
  if (!isMap(document.contents)) throw new Error('values.yaml is no map');
  return leavesOf(document, document.contents, '');
}

function leavesOf(document: Document, group: YAMLMap, parent: string): ChartValue[] {
  return group.items.flatMap(({ key, value }, index) => {
    if (!isScalar(key) || !isNode(value)) throw new Error(`values.yaml has a key without a value below ${parent}`);
    const path = parent + key.value;
    if (isMap(value) && !value.flow) return leavesOf(document, value, `${path}.`);
    // The parser gives the comment above a group's first key to the group.
    const comment = key.commentBefore ?? (index === 0 ? group.commentBefore : undefined);
    if (!comment) throw new Error(`${path} has no comment in values.yaml`);
    const description = comment.replaceAll(/\s+/g, ' ').trim();
    return [{ path, default: value.toJS(document), description }];
  });
}

/** The JSON Schema of the values. Every key is known, so a misspelt one is refused. */
export function schemaOf(values: readonly ChartValue[]): Schema {
  const unknown = Object.keys(rules).find((path) => !values.some((value) => value.path === path));
  if (unknown) throw new Error(`chart-schema.ts has a rule for ${unknown}, which is not in values.yaml`);
  const leaves = values.map((value): [string[], Schema] => [value.path.split('.'), leafSchema(value)]);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    ...groupSchema(leaves),
    // Helm gives it to the chart where another chart depends on this one.
    properties: { ...groupSchema(leaves).properties, global: { type: 'object' } },
  };
}

function groupSchema(leaves: readonly (readonly [readonly string[], Schema])[]): Schema {
  const groups = Map.groupBy(leaves, ([[name = '']]) => name);
  const properties = [...groups].map(([name, members]): [string, Schema] => {
    const [first] = members;
    if (first?.[0].length === 1) return [name, first[1]];
    return [name, groupSchema(members.map(([[, ...rest], schema]) => [rest, schema]))];
  });
  // Where null is set, Helm takes the value away. That suits what is empty by default, and maps.
  const required = properties.filter(([, { default: value }]) => !isMapValue(value) && !isEmpty(value));
  return {
    type: 'object',
    additionalProperties: false,
    required: required.map(([name]) => name),
    properties: Object.fromEntries(properties),
  };
}

function isMapValue(value: unknown): boolean {
  return typeof value === 'object' && !Array.isArray(value);
}

function isEmpty(value: unknown): boolean {
  return value === '' || (Array.isArray(value) && value.length === 0);
}

function leafSchema({ path, default: value, description }: ChartValue): Schema {
  const rule = rules[path];
  const isOpen = typeof value === 'object';
  if (isOpen && !rule) throw new Error(`${path} needs a rule in chart-schema.ts: what it may hold`);
  const type = Array.isArray(value) ? 'array' : typeof value === 'number' ? 'integer' : typeof value;
  return { description, default: value, type, ...rule };
}

/** The table of the chart's README. */
export function tableOfValues(values: readonly ChartValue[]): string {
  const rows = values.map(({ path, default: value, description }) => [
    `\`${path}\``,
    `\`${JSON.stringify(value)}\``,
    description.replaceAll('|', '\\|'),
  ]);
  return tableOf(['value', 'default', 'meaning'], rows);
}
