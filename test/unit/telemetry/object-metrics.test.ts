import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { Registry } from 'prom-client';
import type { Condition, RegionStatus, RegistryReplication } from '../../../src/api/registryreplication.ts';
import { maxNamedSeries, type ObjectMetrics, objectMetricsFor } from '../../../src/telemetry/object-metrics.ts';
import { FakeClock } from '../../fake-clock.ts';
import { root } from '../../manifests.ts';
import { anObject, aStatus, secondsAgo, now as then } from '../replication/fixtures.ts';

describe("the domain's metrics", () => {
  let objects: RegistryReplication[];
  let registry: Registry;
  let metrics: ObjectMetrics;

  beforeEach(() => {
    objects = [];
    registry = new Registry();
    metrics = objectMetricsFor(registry, { objects: () => objects, clock: new FakeClock(then.toISOString()) });
  });

  /** The non-zero samples of one metric, by their label values. */
  async function samples(name: string): Promise<Record<string, number>> {
    const lines = (await registry.metrics()).split('\n').filter((line) => new RegExp(`^${name}[{ ]`).test(line));
    const all = lines.map((line): [string, number] => [
      [...line.matchAll(/="((?:[^"\\]|\\.)*)"/g)].map(([, value]) => value).join(' '),
      Number(line.split(' ').at(-1)),
    ]);
    return Object.fromEntries(all.filter(([, value]) => value !== 0));
  }

  function condition(type: string, status: Condition['status'], reason: string, seconds = 0): Condition {
    return { type, status, reason, message: '', lastTransitionTime: secondsAgo(seconds) };
  }

  function named(name: string, rows: Partial<RegionStatus>[], conditions: Condition[] = []): RegistryReplication {
    const object = anObject({ status: aStatus(rows, { phase: 'Syncing', conditions }) });
    return { ...object, metadata: { ...object.metadata, name } };
  }

  it('count objects by phase, new ones as Pending', async () => {
    objects = [anObject(), named('one', []), named('two', [])];
    expect(await samples('georeplication_objects')).to.deep.equal({ Pending: 1, Syncing: 2 });
  });

  it('have every phase, state and reason from the first scrape on', async () => {
    const text = await registry.metrics();
    for (const series of [
      'georeplication_objects{phase="Failed"} 0',
      'georeplication_replicas{state="Failed"} 0',
      'georeplication_objects_stalled{reason="Locked"} 0',
      'georeplication_objects_not_ready{reason="AzureUnreachable"} 0',
      'georeplication_drift_corrections_total{action="create"} 0',
      'georeplication_claims_lost_total 0',
    ])
      expect(text).to.contain(series);
    expect(text).not.to.contain('georeplication_objects_stalled{reason="Throttled"}');
  });

  it('have a series for every phase of the CRD', async () => {
    const crd = readFileSync(`${root}/crds/registryreplications.yaml`, 'utf8');
    const phases = /phase:.*?enum: \[(.*?)\]/s.exec(crd)?.[1]?.split(', ') ?? [];
    expect(phases).to.include('Degraded');
    const text = await registry.metrics();
    for (const phase of phases) expect(text).to.contain(`georeplication_objects{phase="${phase}"} 0`);
  });

  it('count replicas by state, over all objects', async () => {
    objects = [
      named('one', [{ state: 'Ready' }, { location: 'uksouth', state: 'Creating' }]),
      named('two', [{ state: 'Ready' }]),
    ];
    expect(await samples('georeplication_replicas')).to.deep.equal({ Ready: 2, Creating: 1 });
  });

  it('count objects that are not ready and objects that are stalled, by reason', async () => {
    objects = [
      named('one', [], [condition('Ready', 'False', 'Locked'), condition('Stalled', 'True', 'Locked')]),
      named('two', [], [condition('Ready', 'Unknown', 'AzureUnreachable')]),
      named('three', [], [condition('Ready', 'True', 'AllRegionsReady')]),
    ];
    expect(await samples('georeplication_objects_not_ready')).to.deep.equal({ Locked: 1, AzureUnreachable: 1 });
    expect(await samples('georeplication_objects_stalled')).to.deep.equal({ Locked: 1 });
  });

  it('name a stalled object, and since when it is stalled', async () => {
    objects = [named('one', [], [condition('Stalled', 'True', 'PolicyDenied', 90)]), named('two', [])];
    expect(await samples('georeplication_object_stalled_seconds')).to.deep.equal({
      'registries/one myACR0007 PolicyDenied': 90,
    });
  });

  it('show for how long a region has been in an unsettled state', async () => {
    const since = secondsAgo(42);
    objects = [
      named('one', [
        { location: 'japaneast', state: 'Syncing', since },
        { location: 'uksouth', state: 'Ready', since },
        { location: 'westus', state: 'Absent', desired: false, since },
        { location: 'westeurope', state: 'Absent', since },
      ]),
    ];
    expect(await samples('georeplication_region_state_seconds')).to.deep.equal({
      'registries/one myACR0007 japaneast Syncing': 42,
      'registries/one myACR0007 westeurope Absent': 42,
    });
  });

  it('drop a deleted object and a past state by the next scrape', async () => {
    const stalled = [condition('Stalled', 'True', 'Locked', 5)];
    objects = [named('one', [{ state: 'Failed', since: secondsAgo(5) }], stalled)];
    expect(Object.keys(await samples('georeplication_region_state_seconds'))).to.have.length(1);
    objects = [named('one', [{ state: 'Updating', since: secondsAgo(1) }])];
    expect(await samples('georeplication_region_state_seconds')).to.deep.equal({
      'registries/one myACR0007 japaneast Updating': 1,
    });
    objects = [];
    for (const name of ['objects', 'objects_stalled', 'object_stalled_seconds', 'replicas', 'region_state_seconds'])
      expect(await samples(`georeplication_${name}`), name).to.deep.equal({});
  });

  it('name at most the 500 objects with the longest trouble', async () => {
    objects = Array.from({ length: maxNamedSeries + 100 }, (_, index) => {
      const rows = [{ state: 'Creating' as const, since: secondsAgo(index + 1) }];
      return named(`o${index}`, rows, [condition('Stalled', 'True', 'Locked', index + 1)]);
    });
    for (const name of ['georeplication_region_state_seconds', 'georeplication_object_stalled_seconds']) {
      const told = Object.values(await samples(name));
      expect(told).to.have.length(maxNamedSeries);
      expect([Math.min(...told), Math.max(...told)]).to.deep.equal([101, maxNamedSeries + 100]);
    }
    expect(await samples('georeplication_replicas')).to.deep.equal({ Creating: maxNamedSeries + 100 });
  });

  it('count unknown reasons as Other', async () => {
    objects = [named('one', [], [condition('Ready', 'False', 'x"}\n1'), condition('Stalled', 'True', 'YetToCome', 1)])];
    expect(await samples('georeplication_objects_not_ready')).to.deep.equal({ Other: 1 });
    expect(await samples('georeplication_objects_stalled')).to.deep.equal({ Other: 1 });
    expect(await samples('georeplication_object_stalled_seconds')).to.deep.equal({
      'registries/one myACR0007 Other': 1,
    });
  });

  it('print one line per series, whatever a name contains', async () => {
    objects = [named('one', [{ location: 'a"} 1\nevil_total 1', state: 'Failed', since: secondsAgo(1) }])];
    const lines = (await registry.metrics()).split('\n');
    expect(lines.filter((line) => line.startsWith('evil'))).to.deep.equal([]);
    expect(lines.filter((line) => line.includes('evil_total'))).to.have.length(1);
  });

  it('count events', async () => {
    metrics.becameReady(12);
    metrics.driftCorrected('update');
    metrics.claimLost();
    expect(await samples('georeplication_time_to_ready_seconds_sum')).to.deep.equal({ '': 12 });
    expect(await samples('georeplication_drift_corrections_total')).to.deep.equal({ update: 1 });
    expect(await samples('georeplication_claims_lost_total')).to.deep.equal({ '': 1 });
  });
});
