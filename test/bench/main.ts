// `npm run bench`: measures the scenarios that are named, or all of them, and prints a table. It writes bench.json, and with --save
// the tables of docs/performance.md. It asserts nothing: a figure above its bound is marked.
import { writeFile } from 'node:fs/promises';
import { Argument, Command } from 'commander';
import { type Measured, machine, savePage, tableFor } from './report.ts';
import type { Scenario } from './scenario.ts';
import { baseline } from './scenarios/baseline.ts';
import { converge } from './scenarios/converge.ts';
import { fairness } from './scenarios/fairness.ts';
import { footprint } from './scenarios/footprint.ts';
import { reaction } from './scenarios/reaction.ts';
import { requests } from './scenarios/requests.ts';
import { soak } from './scenarios/soak.ts';
import { steady } from './scenarios/steady.ts';
import { throttled } from './scenarios/throttled.ts';

const scenarios: readonly Scenario[] = [
  reaction,
  converge,
  steady,
  footprint,
  soak,
  baseline,
  requests,
  throttled,
  fairness,
];

interface Flags {
  readonly quick: boolean;
  readonly save: boolean;
}

const program = new Command('npm run bench --')
  .description('Measures the operator against emulators in processes of their own.')
  .addArgument(
    new Argument('[scenario...]', 'which ones; default: all').choices(scenarios.map(({ name }) => name)).default([]),
  )
  .option('--quick', 'a small try, whose figures are no result', false)
  .option('--save', 'write the tables of docs/performance.md too', false)
  .addHelpText('after', `\nScenarios:\n${scenarios.map(({ name, method }) => `  ${name}: ${method}`).join('\n')}`)
  .parse();
const { quick: isQuick, save } = program.opts<Flags>();
if (isQuick && save) program.error('--save needs full figures: leave out --quick.');

const wanted: readonly string[] = program.processedArgs[0];
const results: Measured[] = [];
for (const scenario of scenarios.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  console.log(`\n${scenario.name}: ${scenario.method}`);
  await using ended = new AsyncDisposableStack();
  const before = machine();
  const figures = await scenario.measure({ ended, isQuick, note: (line) => console.log(`  (${line})`) });
  const measured = { scenario: scenario.name, machine: before, figures };
  console.log(tableFor(measured));
  results.push(measured);
  // Written after each scenario, so that an interrupted run keeps what it has.
  await writeFile('bench.json', `${JSON.stringify(results, undefined, 2)}\n`);
  if (save) await savePage(measured);
}
