// Makes the files of the Helm chart that others decide: copies of the CRD, the alerts and the dashboard, since a chart reads no file
// outside of its folder; the schema of its values, and the table in its README. With --check it writes nothing and exits 1 when a
// committed file differs.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { chartValues, schemaOf, withTable } from './chart-values.ts';

const root = new URL('../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const copied = ['crds/registryreplications.yaml', 'deploy/monitoring/alerts.yaml', 'deploy/monitoring/dashboard.json'];

/** The text of each generated file, by its path. */
export function chartFiles(values = read('deploy/chart/values.yaml')): Readonly<Record<string, string>> {
  const leaves = chartValues(values);
  return {
    ...Object.fromEntries(copied.map((path) => [`deploy/chart/files/${basename(path)}`, read(path)])),
    'deploy/chart/values.schema.json': `${JSON.stringify(schemaOf(leaves), undefined, 2)}\n`,
    'deploy/chart/README.md': withTable(read('deploy/chart/README.md'), leaves),
  };
}

if (import.meta.main)
  for (const [path, text] of Object.entries(chartFiles())) {
    if (!process.argv.includes('--check')) writeFileSync(new URL(path, root), text);
    else if (read(path) !== text) {
      console.error(`${path} is stale: run npm run generate`);
      process.exitCode = 1;
    }
  }
