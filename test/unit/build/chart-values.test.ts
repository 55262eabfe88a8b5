import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { rules } from '../../../scripts/chart-schema.ts';
import { chartValues, schemaOf } from '../../../scripts/chart-values.ts';
import { chartFiles } from '../../../scripts/generate-chart.ts';
import { options } from '../../../src/options.ts';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const values = read('deploy/chart/values.yaml');

describe('the generated files of the Helm chart', () => {
  it('are what is committed (npm run generate)', () => {
    for (const [path, text] of Object.entries(chartFiles())) expect(read(path), path).to.equal(text);
  });

  it('follow values.yaml', () => {
    const { 'deploy/chart/README.md': readme, 'deploy/chart/values.schema.json': schema } = chartFiles(
      values.replace('replicas: 1', 'replicas: 2'),
    );
    expect(readme).to.contain('| `replicas` | `2` |');
    expect(schema).to.contain('"default": 2');
  });

  it('need a comment for each value, and for a list or an open map a rule of what it holds', () => {
    expect(() => chartValues('image:\n  tag: ""\n')).to.throw('image.tag has no comment');
    expect(() => schemaOf(chartValues(`${values}# More.\nsidecars: []\n`))).to.throw('sidecars needs a rule');
  });

  it('need the value that a rule is for', () => {
    expect(() => schemaOf(chartValues('# Pods.\nreplicas: 1\n'))).to.throw(
      /a rule for .*, which is not in values.yaml/,
    );
  });

  it("know the operator's flags", () => {
    expect(Object.keys(rules.flags?.properties ?? {})).to.have.members(options().map((option) => option.name()));
  });
});
