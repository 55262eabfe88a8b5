// Hostile text in Azure's responses and in objects must do no harm in a status, in events, in logs and on the demo's screen,
// and hostile names must be refused.
import { stripVTControlCharacters } from 'node:util';
import { expect } from 'chai';
import { plainScreen } from '../demo/screen.ts';
import { tableOf } from '../demo/table.ts';
import { viewOf } from '../demo/view.ts';
import { held } from '../emulators/arm/timings.ts';
import { kubectl } from '../emulators/kubectl.ts';
import { FakeClock } from '../fake-clock.ts';
import { findHarmfulText, hostileText, megabyteOfHostileText } from '../hostile-text.ts';
import { linesOf } from '../secrets.ts';
import { isNotReadyBecause, isReady, region, regionsAre } from './expectations.ts';
import { manifest, type Scenario, startScenario } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

describeWithKubectl('hostile text', () => {
  let scenario: Scenario;

  before(async () => {
    scenario = await startScenario({ timings: held });
  });
  after(() => scenario?.close());

  for (const [what, name, message] of [
    ['a line', 'hostile', hostileText],
    ['a megabyte', 'megabyte', megabyteOfHostileText],
  ] as const)
    it(`in Azure's responses, ${what} of it, is harmless in status, events, log and demo, and gone after recovery`, async () => {
      scenario.addRegistry(name);
      const undo = scenario.arm.azure.refuse(({ method, registry }) => method === 'PUT' && registry === name, {
        status: 400,
        code: 'Bad\u001b[31mWords\u202e',
        message,
      });
      await scenario.apply(name, { regions: ['japaneast'] });
      const refused = await scenario.until(name, 'is refused', isNotReadyBecause('InvalidRequest'));
      expect(region(refused, 'japaneast')?.message).to.contain('<script>alert(1)</script>');
      expect(findHarmfulText(refused.status)).to.deep.equal([]);
      expect(JSON.stringify(refused.status).length).to.be.below(16_384);

      await scenario.reconcileNow(name);
      await scenario.untilEvent(name, /^InvalidRequest: /);
      const events = (await scenario.events(name)).filter((event) => event.startsWith('InvalidRequest: '));
      expect(events).to.have.length(1);
      expect(findHarmfulText(events)).to.deep.equal([]);

      for (const command of [`get georep ${name} -o wide`, `describe georep ${name}`, `get georep ${name} -o json`])
        expect(findHarmfulText((await scenario.kubectl(command)).split(/[\n\t]/)), command).to.deep.equal([]);

      const lines = linesOf(scenario.operator);
      expect(findHarmfulText(lines)).to.deep.equal([]);
      expect(Math.max(...lines.map(({ length }) => length))).to.be.below(16_384);

      const views = [viewOf(refused)];
      const shown: string[] = [];
      plainScreen((text) => shown.push(text), new FakeClock()).show(views);
      const table = tableOf(views, 0, { columns: 200, rows: 50 }).map(stripVTControlCharacters);
      expect(table.join()).to.contain('japaneast');
      expect(findHarmfulText([...table, ...shown.map((text) => text.replace(/\n$/, ''))])).to.deep.equal([]);

      undo();
      await scenario.requestReconcile(name);
      await scenario.until(name, 'is Creating', regionsAre('Creating', 'japaneast'));
      expect(isReady(await scenario.finishProvisioning(name, 'japaneast'))).to.equal(true);
    });

  it('instead of names is refused by the API server, and no request is sent to Azure', async () => {
    const regions = ['japaneast'];
    const before = scenario.arm.journal.entries.length;
    const escapes = [
      '..',
      '../..',
      '..%2f..',
      '%2e%2e',
      'a/b/c',
      'a?b=c#d',
      'ａｂｃｄｅ',
      'abcd\u0000e',
      'abcde\n',
      'ÀBCDE',
      hostileText,
    ];
    const { registry } = JSON.parse(manifest('escaping', { regions }, scenario.identity)).spec;
    const specs = escapes.flatMap((text) => [
      { registry: { ...registry, name: text }, regions: [{ location: 'japaneast' }] },
      { registry: { ...registry, resourceGroup: text }, regions: [{ location: 'japaneast' }] },
      { registry: { ...registry, subscriptionId: text }, regions: [{ location: 'japaneast' }] },
      { registry, regions: [{ location: text }] },
    ]);
    const items = specs.map((spec, index) => {
      const object = JSON.parse(manifest('escaping', { regions }, scenario.identity));
      return { ...object, metadata: { ...object.metadata, name: `escaping-${index}` }, spec };
    });
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
    const { stdout, stderr } = await kubectl(scenario.kubeconfig, ['create', '-f', '-'], { input });
    expect(stdout).to.equal('');
    expect(stderr.match(/"escaping-\d+" is invalid/g)).to.have.length(items.length);
    expect(
      scenario.arm.journal.entries.slice(before).filter(({ path }) => !/registries\/(hostile|megabyte)/.test(path)),
    ).to.deep.equal([]);
  });

  it('in tag names is refused because the status shows them, and in tag values is passed on', async () => {
    const registry = scenario.addRegistry('tagged');
    const tags = { team: 'a\u001b[2Jb\u202ec' };
    await scenario.apply('tagged', { regions: [{ location: 'japaneast', tags }] });
    await scenario.until('tagged', 'is Creating', regionsAre('Creating', 'japaneast'));
    const replica = scenario.arm.azure.replicas(registry).find(({ name }) => name === 'japaneast');
    expect(replica?.tags).to.deep.equal(tags);

    await scenario.patch('tagged', { spec: { regions: [{ location: 'japaneast', tags: { 'a\u202eb': 'x' } }] } });
    const invalid = await scenario.until('tagged', 'is invalid', isNotReadyBecause('InvalidSpec'));
    expect(findHarmfulText(invalid.status)).to.deep.equal([]);
    expect(findHarmfulText(linesOf(scenario.operator))).to.deep.equal([]);
  });
});
