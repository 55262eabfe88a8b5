import { expect } from 'chai';
import fc from 'fast-check';
import { load, loadAll } from 'js-yaml';
import type { FoundRegistry, FoundReplica } from '../../../src/azure/inventory.ts';
import {
  asObject,
  type Described,
  describeRegistry,
  type Manifest,
  objectNames,
  type Skipped,
} from '../../../src/cli/import/describe.ts';
import { importYaml } from '../../../src/cli/import/manifest.ts';
import { parseRegistryId } from '../../../src/cli/import/registry-id.ts';
import { planFor } from '../../../src/replication/plan.ts';
import { problemsOf } from '../../../src/replication/validation.ts';
import { propertyRuns } from '../../property-runs.ts';
import { aRegistry, aReplica, now, observing } from '../replication/fixtures.ts';

const reference = {
  subscriptionId: '00000000-0000-0000-0000-000000000000',
  resourceGroup: 'myresourcegroup',
  name: 'myACR0007',
};

function found(location: string, parts: Partial<FoundReplica> = {}): FoundReplica {
  return { ...aReplica(location), isZoneRedundant: false, ...parts };
}

function described(replicas: readonly FoundReplica[], registry: Partial<FoundRegistry> = {}): Described | Skipped {
  const whole = { ...aRegistry(), isZoneRedundant: false, ...registry };
  return describeRegistry(reference, whole, replicas, { name: 'myacr0007' });
}

function manifestOf(finding: Described | Skipped): Manifest {
  if (finding.kind !== 'described') throw new Error(finding.why);
  return finding.manifest;
}

function regionsOf(replicas: readonly FoundReplica[]): Manifest['spec']['regions'] {
  return manifestOf(described(replicas)).spec.regions;
}

/** What the operator would do in Azure for what comes out of the YAML. */
function planned(replicas: readonly FoundReplica[], registry: Partial<FoundRegistry> = {}): string[] {
  const yaml = importYaml([described(replicas, registry)]);
  const object = asObject(load(yaml) as Manifest);
  expect(problemsOf(object)).to.deep.equal([]);
  const whole = { ...aRegistry(), ...registry };
  const { steps, obstacle } = planFor(object, observing([...replicas], { registry: whole }), now, {
    maxParallelActions: 4,
  });
  expect(obstacle).to.equal(undefined);
  return steps.map(({ action, name }) => `${action} ${name}`);
}

const thirty = Array.from({ length: 30 }, (_, n) => found(`region${n}`, { tags: { team: `team${n}` } }));

describe('the import of a registry', () => {
  for (const [what, replicas, registry] of [
    ['no replicas', []],
    ['odd names of replicas', [found('japaneast', { name: 'tokyo1' }), found('westeurope', { name: 'japaneast' })]],
    ['tags', [found('japaneast', { tags: { team: 'web', 'cost center': '12:30', on: 'yes', empty: '' } })]],
    ['routing off', [found('eastus'), found('japaneast', { routing: false })]],
    ['routing off everywhere', [found('eastus', { routing: false }), found('japaneast', { routing: false })]],
    ['a home entry', [found('eastus', { tags: { home: 'yes' } }), found('japaneast')]],
    ['zone redundancy', [found('japaneast', { isZoneRedundant: true })], { isZoneRedundant: true }],
    ['30 regions', thirty],
    ['a location in its long form', [found('japaneast', { location: 'Japan East' })]],
    ['a failed replica', [found('eastus'), found('japaneast', { provisioningState: 'Failed', tags: { a: 'b' } })]],
    ['replicas in motion', [found('eastus'), found('japaneast', { provisioningState: 'Updating' })]],
    ['a replica that synchronises', [found('eastus'), found('japaneast', { displayStatus: 'Syncing' })]],
  ] as [string, FoundReplica[], Partial<FoundRegistry>?][])
    it(`plans nothing: ${what}`, () => expect(planned(replicas, registry)).to.deep.equal([]));

  it('plans nothing for any registry, and never lists a tag that Azure set for itself', () => {
    const tag = fc.oneof(fc.string({ minLength: 1, maxLength: 20 }), fc.constantFrom('azure-x', 'yes', '~', 'null'));
    const replica = fc.record({
      location: fc.constantFrom('eastus', 'japaneast', 'westeurope', 'uksouth', 'brazilsouth'),
      name: fc.stringMatching(/^[a-z0-9]{5,10}$/),
      routing: fc.boolean(),
      tags: fc.dictionary(tag, fc.string({ maxLength: 20 }), { maxKeys: 5 }),
      provisioningState: fc.constantFrom('Succeeded', 'Updating', 'Creating', 'Failed'),
      displayStatus: fc.constantFrom('Ready', 'Syncing'),
      isZoneRedundant: fc.boolean(),
    });
    const replicas = fc.uniqueArray(replica, { selector: ({ location }) => location, maxLength: 5 });
    fc.assert(
      fc.property(replicas, (all) => {
        // Azure ignores the case of names and tag names.
        const names = all.map(({ name }) => name);
        fc.pre(new Set(names).size === names.length);
        for (const { tags } of all) {
          const keys = Object.keys(tags).map((key) => key.toLowerCase());
          fc.pre(new Set(keys).size === keys.length);
        }
        // What is absent, failed or in motion may wait; nothing may be sent.
        const steps = planned(all);
        expect(steps).to.deep.equal([]);
      }),
      propertyRuns(2_000),
    );
  });

  it('lists the home region first, then by name, with routing and tags as they are', () => {
    const tags = { team: 'web' };
    expect(
      regionsOf([found('westeurope'), found('japaneast', { routing: false, tags }), found('eastus')]),
    ).to.deep.equal([
      { location: 'eastus', routing: 'Enabled' },
      { location: 'japaneast', routing: 'Disabled', tags },
      { location: 'westeurope', routing: 'Enabled' },
    ]);
  });

  it('lists the home region alone where there are no replicas, and says nothing of its routing', () => {
    expect(regionsOf([])).to.deep.equal([{ location: 'eastus' }]);
  });

  it('leaves out a replica that is being deleted, so that it is not created again', () => {
    const leaving = [found('eastus'), found('japaneast', { provisioningState: 'Deleting' })];
    expect(regionsOf(leaving).map(({ location }) => location)).to.deep.equal(['eastus']);
    expect((described(leaving) as Described).notes).to.deep.equal(['japaneast: not listed, it is being deleted']);
  });

  it('says in comments what it does not describe', () => {
    const replicas = [
      found('eastus'),
      found('japaneast', { name: 'tokyo1', isZoneRedundant: true, tags: { 'microsoft-set': 'x', team: 'web' } }),
      found('uksouth', { provisioningState: 'Failed' }),
    ];
    expect(
      importYaml([described(replicas, { isZoneRedundant: true })])
        .split('\n')
        .slice(2, 8),
    ).to.deep.equal([
      '# japaneast: the replica is called tokyo1; the operator finds it by its region',
      '# japaneast: these tags stay as they are and are not listed: "microsoft-set"',
      '# uksouth: the replica is Failed, so its routing and tags are not listed',
      '# Zone redundancy is Enabled for the registry, japaneast. It is not described: Azure decides it, and the operator leaves it alone.',
      'apiVersion: georeplication.dev/v1alpha1',
      'kind: RegistryReplication',
    ]);
  });

  it('lists no more tags than an object may have', () => {
    const tags = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`tag${n}`, 'x']));
    const replicas = Array.from({ length: 30 }, (_, n) => found(`region${n}`, { tags }));
    expect(planned(replicas)).to.deep.equal([]);
    const [first] = regionsOf(replicas);
    expect(Object.keys(first?.tags ?? {})).to.have.length(16);
  });

  it('skips a registry that is not Premium, and says so', () => {
    const finding = described([], { sku: 'Basic' });
    expect(finding).to.deep.include({ kind: 'skipped', why: 'it is Basic; geo-replication needs Premium' });
    expect(importYaml([finding])).to.equal(
      '# Skipped registry myACR0007 in resource group myresourcegroup: it is Basic; geo-replication needs Premium.\n',
    );
  });

  it('puts each registry into a document of its own, and what it skipped last', () => {
    const yaml = importYaml([described([]), described([], { sku: 'Basic' }), described([])]);
    const documents = loadAll(yaml).filter((document) => document !== null && document !== undefined);
    expect(documents).to.have.length(2);
    expect(yaml.trimEnd().split('\n').at(-1)).to.match(/^# Skipped/);
  });

  it('names objects validly and uniquely', () => {
    expect(objectNames(['myACR0007', 'MyAcr0007', 'a_b', '...'])).to.deep.equal([
      'myacr0007',
      'myacr0007-2',
      'a-b',
      'registry',
    ]);
  });

  it('reads ids in any case, and refuses those of other resources', () => {
    const id =
      '/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/myresourcegroup/providers/microsoft.containerregistry/registries/myACR0007';
    expect(parseRegistryId(` ${id}\n`)).to.deep.equal(reference);
    expect(parseRegistryId(`${id}/replications/japaneast`)).to.equal(undefined);
    expect(parseRegistryId('myACR0007')).to.equal(undefined);
  });
});
