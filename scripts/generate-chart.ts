// Copies the CRD, the alerts and the dashboard into the Helm chart, since a chart reads no file outside of its folder.
// With --check it writes nothing and exits 1 when a copy differs.
import { copyFileSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = ['crds/registryreplications.yaml', 'deploy/monitoring/alerts.yaml', 'deploy/monitoring/dashboard.json'];

for (const source of sources) {
  const original = join(root, source);
  const copy = `deploy/chart/files/${basename(source)}`;
  if (!process.argv.includes('--check')) copyFileSync(original, join(root, copy));
  else if (!readFileSync(original).equals(readFileSync(join(root, copy)))) {
    console.error(`${copy} is stale: run npm run generate`);
    process.exitCode = 1;
  }
}
