// Makes the files of the Helm chart that others decide: copies of the CRD, the alerts and the dashboard, since a chart reads no file
// outside of its folder; the schema of its values, and the table in its README. With --check it writes nothing and exits 1 when a
// committed file differs.
import { basename } from 'node:path';
import { chartValues, schemaOf, tableOfValues } from './chart-values.ts';
import { read, withTables, writeOrCheck } from './generated.ts';

const copied = ['crds/registryreplications.yaml', 'deploy/monitoring/alerts.yaml', 'deploy/monitoring/dashboard.json'];

/** The text of each generated file, by its path. */
export function chartFiles(values = read('deploy/chart/values.yaml')): Readonly<Record<string, string>> {
  const leaves = chartValues(values);
  return {
    ...Object.fromEntries(copied.map((path) => [`deploy/chart/files/${basename(path)}`, read(path)])),
    'deploy/chart/values.schema.json': `${JSON.stringify(schemaOf(leaves), undefined, 2)}\n`,
    'deploy/chart/README.md': withTables(read('deploy/chart/README.md'), { values: () => tableOfValues(leaves) }),
  };
}

if (import.meta.main) writeOrCheck(chartFiles());
