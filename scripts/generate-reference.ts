// Generates the tables of docs/reference.md: fields from the CRD, reasons, flags and metrics from the code.
// With --check it writes nothing and exits 1 when the committed file differs.
import { parse } from 'yaml';
import { ConfigHelp, parseConfig } from '../src/config.ts';
import { fieldsOf } from '../src/kubernetes/client/crd-fields.ts';
import { reasonsTable } from '../src/replication/reasons.ts';
import { exportedMetrics } from '../test/exported-metrics.ts';
import { withTables as fill, read, tableOf, writeOrCheck } from './generated.ts';

const page = 'docs/reference.md';

/** The part of a CRD's schema that the tables show. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
}

const tables: Readonly<Record<string, () => string>> = {
  spec: () => fieldsTable('spec'),
  status: () => fieldsTable('status'),
  reasons: reasonsTable,
  flags: flagsTable,
  metrics: metricsTable,
};

/** The page with its tables. */
export function withTables(page: string): string {
  return fill(page, tables);
}

function fieldsTable(part: 'spec' | 'status'): string {
  const crd = parse(read('crds/registryreplications.yaml')) as {
    spec: { versions: { schema: { openAPIV3Schema: Schema } }[] };
  };
  const schema = crd.spec.versions[0]?.schema.openAPIV3Schema.properties?.[part];
  if (!schema) throw new Error(`the CRD has no ${part}`);
  // The fields of a condition are Kubernetes' own.
  const fields = fieldsOf(schema).filter(([path]) => !path.startsWith('conditions[]'));
  const rows = fields.map(([path, field]) => [
    `\`${path}\``,
    valuesOf(field) + (field.default === undefined ? '' : `; default ${field.default}`),
    (field.description ?? '').replace(/ The default is \S+\.$/, '').replaceAll('|', '\\|'),
  ]);
  return tableOf(['field', 'values', 'meaning'], rows);
}

function valuesOf({ enum: words, type, format, pattern, items, additionalProperties }: Schema): string {
  if (words) return words.map((word) => `\`${word}\``).join(', ');
  if (pattern?.includes('(ms|s|m|h)')) return 'duration';
  if (type === 'array') return `list of ${items?.type}s`;
  if (additionalProperties) return `map of ${additionalProperties.type}s`;
  return format === 'date-time' ? 'time' : (type ?? '');
}

/** A row for each flag of --help. */
function flagsTable(): string {
  const [, options = ''] = /^Options:\n(.*?)\n\n/ms.exec(help()) ?? [];
  const rows = options
    .split(/\n(?= {2}--)/)
    .map((text) => text.replaceAll(/\s+/g, ' ').trim())
    .filter((text) => /[(,] ?env: /.test(text))
    .map((text) => {
      const [, flag = '', words = ''] = /^(--[a-z-]+) (?:<\S+>|\[\S+\]) (.*)$/.exec(text) ?? [];
      const [, value = 'none'] = /\(default: (.*?)(?:, preset: \S+)?(?:, env: \w+)?\)/.exec(words) ?? [];
      return [`\`${flag}\``, value.replaceAll('"', ''), words.replace(/ \((?:default|env): .*$/, '')];
    });
  return tableOf(['flag', 'default', 'meaning'], rows);
}

function help(): string {
  try {
    parseConfig(['--help']);
  } catch (error) {
    if (error instanceof ConfigHelp) return error.message;
    throw error;
  }
  throw new Error('--help printed nothing');
}

/** Without those of Node and the process, which come with prom-client. */
function metricsTable(): string {
  const rows = exportedMetrics()
    .filter(({ name }) => !/^(nodejs|process)_/.test(name))
    .map(({ name, type, labelNames, help }) => [
      `\`${name}\``,
      type,
      labelNames.map((label) => `\`${label}\``).join(', '),
      help,
    ]);
  return tableOf(['metric', 'type', 'labels', 'meaning'], rows);
}

if (import.meta.main) writeOrCheck({ [page]: withTables(read(page)) });
