// Every value of the Helm chart is used: with another value, the rendering differs as it should.
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { chartValues } from '../../scripts/chart-values.ts';
import { renderChart } from '../chart.ts';
import { root } from '../manifests.ts';
import { cases, type Rendering } from './chart-cases.ts';

describe('each value of the Helm chart', function () {
  this.timeout(300_000);

  const values = chartValues(readFileSync(`${root}/deploy/chart/values.yaml`, 'utf8'));

  it('has a case', () => {
    expect(Object.keys(cases)).to.have.members(values.map(({ path }) => path));
  });

  it('may be null, as in `labels:` with nothing behind it, if it is empty by default', async () => {
    const empty = values.filter(({ default: value }) => ['""', '[]', '{}'].includes(JSON.stringify(value)));
    const nulls = nested(Object.fromEntries(empty.map(({ path }) => [path, null])));
    expect(await renderChart(nulls)).to.deep.equal(await renderOnce({}));
  });

  for (const [path, { value, given = {}, in: part, shows }] of Object.entries(cases))
    it(`changes what is rendered: ${path}`, async () => {
      const without = await renderOnce(given);
      expect(part(without)).not.to.deep.equal(shows);
      expect(part(await renderChart(nested({ ...given, [path]: value })))).to.deep.equal(shows);
    });
});

const renderings = new Map<string, Promise<Rendering>>();

/** Many cases begin with the same values. */
function renderOnce(values: Readonly<Record<string, unknown>>): Promise<Rendering> {
  const key = JSON.stringify(values);
  const rendering = renderings.get(key) ?? renderChart(nested(values));
  renderings.set(key, rendering);
  return rendering;
}

/** `{'a.b': 1}` as `{a: {b: 1}}`. */
function nested(values: Readonly<Record<string, unknown>>): object {
  const tree: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(values)) {
    const [group = '', leaf] = path.split('.');
    tree[group] = leaf === undefined ? value : { ...(tree[group] as object | undefined), [leaf]: value };
  }
  return tree;
}
