// The operator's metrics and log.
import { once } from 'node:events';
import { expect } from 'chai';
import { held } from '../emulators/arm/timings.ts';
import { eventually } from '../real-api-server.ts';
import { isNotReadyBecause, regionsAre } from './expectations.ts';
import { type Scenario, startScenario } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

describeWithKubectl('metrics and log', () => {
  let scenario: Scenario;

  before(async () => {
    scenario = await startScenario({ timings: held });
  });
  after(() => scenario?.close());

  /** The samples of a scrape, by series. */
  async function scrape(): Promise<Map<string, number>> {
    const { metricsPort } = await scenario.operator.logged(({ metricsPort }) => metricsPort !== undefined);
    const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
    );
  }

  /** A scrape in which the series has this value: metrics are cached for up to a second. */
  async function scrapeUntil(series: string, value: number): Promise<Map<string, number>> {
    let page = await scrape();
    await eventually(async () => {
      page = await scrape();
      return page.get(series) === value;
    });
    return page;
  }

  /** Resolves when the operator has logged this line, which it does after the status write. */
  const logged = (name: string, sentence: string) =>
    scenario.operator.logged(({ object, msg }) => object === `default/${name}` && msg === sentence);

  const labels = (object: string, rest: string) => `{object="default/${object}",registry="${object}",${rest}}`;

  it('follow a replica from its creation to Ready, with the correlation id of the request to Azure', async () => {
    const registry = scenario.addRegistry('simple');
    await scenario.apply('simple', { regions: ['japaneast'] });
    await scenario.until('simple', 'is Creating', regionsAre('Creating', 'japaneast'));
    await logged('simple', 'Ready is False: creating japaneast');
    const creating = await scrapeUntil('georeplication_objects{phase="Syncing"}', 1);
    expect(creating.get('georeplication_replicas{state="Creating"}')).to.equal(1);
    expect(
      creating.has(`georeplication_region_state_seconds${labels('simple', 'region="japaneast",state="Creating"')}`),
    ).to.equal(true);

    scenario.arm.azure.advance(registry, 'japaneast');
    await scenario.reconcileNow('simple');
    await scenario.finishProvisioning('simple', 'japaneast');
    await logged('simple', 'Ready is True: japaneast is ready');
    const ready = await scrapeUntil('georeplication_objects{phase="Ready"}', 1);
    expect(ready.get('georeplication_time_to_ready_seconds_count')).to.equal(1);
    expect(ready.get('georeplication_arm_requests_total{method="PUT",code="201"}')).to.equal(1);
    expect([...ready.keys()].filter((series) => series.includes('object="default/simple"'))).to.deep.equal([]);

    const lines = scenario.operator.log.filter(({ object, level }) => object === 'default/simple' && level !== 'debug');
    expect(
      lines.map(({ registry, region, action, from, to, msg }) => ({ registry, region, action, from, to, msg })),
    ).to.deep.equal([
      line('japaneast: creating the replica', { action: 'Create' }),
      { ...line('Ready is False: creating japaneast'), region: undefined },
      line('japaneast: the replica is created; its content is being synchronised', {
        action: 'Look',
        from: 'Creating',
        to: 'Syncing',
      }),
      line('japaneast: the replica is ready', { action: 'Look', from: 'Syncing', to: 'Ready' }),
      { ...line('Ready is True: japaneast is ready'), region: undefined },
    ]);
    expect(lines[0]?.correlationId).to.match(/^[0-9a-f-]{36}$/);
    const [put] = scenario.operator.log.filter(({ method, object }) => method === 'PUT' && object === 'default/simple');
    expect(put).to.include({ level: 'debug', status: '201', correlationId: lines[0]?.correlationId });
    for (const { durationMs } of [lines[0], ...lines.slice(2)].filter((one) => one !== undefined))
      expect(durationMs).to.be.a('number');
  });

  function line(msg: string, { action, from, to }: { action?: string; from?: string; to?: string } = {}) {
    return { registry: 'simple', region: 'japaneast', action, from, to, msg };
  }

  it('are more detailed after SIGUSR2', async () => {
    const operator = scenario.startOperator({ args: ['--watch-namespaces=kube-system'] });
    for (const level of ['debug', 'info']) {
      await operator.logged(({ msg }) => msg.includes('passes begin'));
      operator.process.kill('SIGUSR2');
      await operator.logged(({ msg }) => msg === `The log level is ${level} from now on`);
    }
    expect(await operator.stop()).to.equal(0);
  });

  it('are readable with --log-format=pretty', async () => {
    const operator = scenario.startOperator({ args: ['--watch-namespaces=kube-system', '--log-format=pretty'] });
    if (operator.process.stdout) await once(operator.process.stdout, 'data');
    expect(await operator.stop()).to.equal(0);
    expect(operator.log).to.deep.equal([]);
    expect(operator.otherOutput[0]).to.match(/^\S+Z INFO {2}The operator has started version=\S+ server=https:\/\/127/);
    expect(operator.otherOutput.at(-1)).to.match(/^\S+Z INFO {2}Stopped$/);
  });

  it('count an object that has lost its claim, name it, and drop it when it is gone', async () => {
    scenario.addRegistry('claimed');
    await scenario.apply('claimed', { regions: ['eastus'] });
    await scenario.untilReady('claimed');
    const manifest = {
      apiVersion: 'georeplication.dev/v1alpha1',
      kind: 'RegistryReplication',
      metadata: { name: 'usurper', namespace: 'default' },
      spec: JSON.parse(await scenario.kubectl('get georep claimed -o json')).spec,
    };
    await scenario.kubectl('apply -f -', { input: JSON.stringify(manifest) });
    await scenario.until('usurper', 'has lost its claim', isNotReadyBecause('RegistryClaimed'));
    await scenario.operator.logged(
      ({ object, reason }) => object === 'default/usurper' && reason === 'RegistryClaimed',
    );
    const page = await scrapeUntil('georeplication_objects_stalled{reason="RegistryClaimed"}', 1);
    const stalled = [...page].filter(([series]) => series.includes('object="default/usurper"'));
    expect(stalled.map(([series]) => series)).to.deep.equal([
      'georeplication_object_stalled_seconds{object="default/usurper",registry="claimed",reason="RegistryClaimed"}',
    ]);
    expect(page.get('georeplication_claims_lost_total')).to.equal(1);

    await scenario.kubectl('delete georep usurper');
    await scenario.untilGone('usurper');
    // The operator does not log that it has seen the deletion.
    await eventually(async () => ![...(await scrape()).keys()].some((series) => series.includes('usurper')));
    expect((await scrape()).get('georeplication_objects_stalled{reason="RegistryClaimed"}')).to.equal(0);
  });
});
