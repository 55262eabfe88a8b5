import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { type Described, exportedMetrics } from '../../exported-metrics.ts';

/** prom-client's metrics of Node and the process, which share one row. */
const isRuntimes = ({ name }: Described) => /^(nodejs|process)_/.test(name);

function everyMetric(): Described[] {
  const all = exportedMetrics();
  expect(all.some(isRuntimes)).to.equal(true);
  return all.filter((metric) => !isRuntimes(metric));
}

/** The cells of the reference's table whose first column has this title, without the backticks around names. */
function rowsOf(title: string): string[][] {
  const lines = readFileSync(new URL('../../../docs/reference.md', import.meta.url), 'utf8').split('\n');
  const header = lines.findIndex((line) => line.startsWith(`| ${title} |`));
  expect(header, title).to.be.above(-1);
  const end = lines.findIndex((line, index) => index > header && !line.startsWith('|'));
  return lines.slice(header + 2, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

describe("the reference's table of metrics", () => {
  it('has exactly the metrics that the operator exports, with their types, labels and meanings', () => {
    const exported = everyMetric().map(({ name, type, help, labelNames }) => [
      `\`${name}\``,
      type,
      labelNames.map((label) => `\`${label}\``).join(', '),
      help,
    ]);
    expect(
      rowsOf('metric')
        .map((row) => row.join(' | '))
        .sort(),
    ).to.deep.equal(exported.map((row) => row.join(' | ')).sort());
  });

  it('has a bound for every label', () => {
    const labels = new Set(everyMetric().flatMap(({ labelNames }) => labelNames));
    const bounds = rowsOf('label');
    expect(bounds.flatMap(([names = '']) => names.replaceAll('`', '').split(', '))).to.have.members([...labels]);
    for (const [names, bound] of bounds) expect(bound, names).not.to.equal('');
  });

  it('follows the naming conventions of Prometheus: a unit or a noun at the end, and _total for counters', () => {
    for (const { name, type, help } of everyMetric()) {
      expect(name).to.match(/^[a-z][a-z0-9_]*$/);
      expect(name.endsWith('_total'), name).to.equal(type === 'counter');
      expect(help, name).not.to.equal('');
    }
  });
});
