// What `npm run release` takes into the Helm chart.
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { copyTracked, withoutClone } from '../../scripts/release-chart.ts';
import { packageVersion, root } from '../manifests.ts';

describe('the chart of a release', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'release-chart-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('takes the files that git tracks, and no others', async () => {
    const chart = join(directory, 'repository/chart');
    await mkdir(join(chart, 'templates'), { recursive: true });
    for (const file of ['Chart.yaml', 'templates/deployment.yaml', 'my-values.yaml', 'templates/draft.yaml'])
      await writeFile(join(chart, file), '');
    execFileSync('git', ['init', '--quiet'], { cwd: chart });
    execFileSync('git', ['add', 'Chart.yaml', 'templates/deployment.yaml'], { cwd: chart });
    await copyTracked(chart, join(directory, 'copy'));
    const copied = await readdir(join(directory, 'copy'), { recursive: true });
    expect(copied).to.have.members(['Chart.yaml', 'templates', 'templates/deployment.yaml']);
  });

  it('has a README that needs nothing outside of the chart', async () => {
    const readme = withoutClone(await readFile(join(root, 'deploy/chart/README.md'), 'utf8'));
    expect(readme).to.contain(
      `helm upgrade --install acr-replication-operator acr-replication-operator-${packageVersion}.tgz `,
    );
    expect(readme)
      .to.contain('](https://')
      .and.not.to.match(/\]\(\.|deploy\/chart/);
  });
});
