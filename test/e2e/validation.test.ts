// Invalid specs are refused by the API server with readable messages or, where its schema cannot express the rule, by the
// operator, which then sends nothing to Azure.
import { expect } from 'chai';
import { instant } from '../emulators/arm/timings.ts';
import { condition, isNotReadyBecause, readyMessage } from './expectations.ts';
import { manifest, type Scenario, startScenario } from './scenario.ts';
import { describeWithKubectl } from './with-kubectl.ts';

/** Overrides of a valid spec; of the wrong shape on purpose. */
type Wrong = Readonly<Record<string, unknown>>;

const registry = { subscriptionId: '00000000-0000-0000-0000-000000000000', resourceGroup: 'images', name: 'wrong' };

const refusedBySchema: readonly [what: string, spec: Wrong, words: RegExp][] = [
  ['an empty list of regions (trap 17)', { regions: [] }, /spec\.regions: Invalid value: .* at least 1 items/],
  [
    'more than 100 regions',
    { regions: Array.from({ length: 101 }, (_, n) => ({ location: `region${n}` })) },
    /spec\.regions: (Too many: 101: must have at most 100 items|Invalid value: .* at most 100 items)/,
  ],
  [
    'a region without a location',
    { regions: [{ routing: 'Enabled' }] },
    /spec\.regions\[0\]\.location: Required value|missing required field "location"/,
  ],
  [
    'an empty region', // which API servers before 1.21 take for null
    { regions: [{ location: '' }] },
    /location: Invalid value: .*(a region's name has letters and digits only|must be of type string: "null")/,
  ],
  [
    'the same region twice',
    { regions: [{ location: 'japaneast' }, { location: 'japaneast' }] },
    /spec\.regions\[1\]: Duplicate value/,
  ],
  [
    'a routing that there is not',
    { regions: [{ location: 'japaneast', routing: 'Sometimes' }] },
    /routing: Unsupported value: "Sometimes": supported values: "Enabled", "Disabled", "WhenReady"/,
  ],
  [
    'a tag that is no text',
    { regions: [{ location: 'japaneast', tags: { team: 7 } }] },
    /tags\.team: Invalid value: "integer": .* must be of type string: "integer"|tags\.team: .*got "integer"|invalid type for .*tags.*: got "integer", expected "string"/,
  ],
  [
    'no resource group',
    { registry: { ...registry, resourceGroup: undefined } },
    /spec\.registry\.resourceGroup: Required value|missing required field "resourceGroup"/,
  ],
  ['a prune that there is not', { prune: 'Keep' }, /spec\.prune: Unsupported value: "Keep": .*"Delete", "Retain"/],
  [
    'a deletionPolicy that there is not',
    { deletionPolicy: 'Orphan' },
    /spec\.deletionPolicy: Unsupported value: "Orphan": .*"Delete", "Retain"/,
  ],
  ['a mode that there is not', { mode: 'Watch' }, /spec\.mode: Unsupported value: "Watch": .*"Manage", "Observe"/],
  ['a suspend that is no boolean', { suspend: 'yes' }, /suspend.*(must be of type boolean|expected "boolean")/],
  [
    'a source of a kind in lower case',
    { regionsFrom: [{ resources: { apiVersion: 'v1', kind: 'configmaps', location: '.data.region' } }] },
    /spec\.regionsFrom(\[0\])?\.resources\.kind: Invalid value/,
  ],
  [
    'more than 5 tags of a source',
    { regionsFrom: [{ nodes: {}, tags: Object.fromEntries(Array.from({ length: 6 }, (_, n) => [`tag${n}`, ''])) }] },
    /spec\.regionsFrom(\[0\])?\.tags: (Too many: 6|Invalid value: .* at most 5 properties)/,
  ],
  ['a field that there is not', { region: 'japaneast' }, /unknown field "(spec\.)?region"/],
];

/** Refused by a pattern and, on API servers with CEL rules, with a readable message too. */
const refusedReadably: readonly [what: string, spec: Wrong, field: string, words: RegExp][] = [
  [
    'a region that is no name',
    { regions: [{ location: 'japan_east!' }] },
    'location',
    /a region's name has letters and digits only, such as japaneast or "Japan East"/,
  ],
  [
    'a subscription that is no id',
    { registry: { ...registry, subscriptionId: 'production' } },
    'spec.registry.subscriptionId',
    /a subscription's id looks like 00000000-/,
  ],
  [
    'a resource group that ends with a dot',
    { registry: { ...registry, resourceGroup: 'images.' } },
    'spec.registry.resourceGroup',
    /a resource group's name has letters, digits and /,
  ],
  [
    "a login server for the registry's name",
    { registry: { ...registry, name: 'wrong.azurecr.io' } },
    'spec.registry.name',
    /a registry's name has 5 to 50 letters and digits; it is myacr0007 where/,
  ],
  ...[
    '../../web/serviceaccounts/registries',
    'web/registries',
    'web%2fregistries',
    'Registries',
    'r\u0435gistries',
    '',
  ].map((serviceAccountName): (typeof refusedReadably)[number] => [
    `${JSON.stringify(serviceAccountName)} for the name of a ServiceAccount`,
    { identity: { serviceAccountName } },
    'spec.identity.serviceAccountName',
    /a ServiceAccount's name has lower-case letters, .* it is always one of this object's own namespace/,
  ]),
  [
    'an interval that is no duration',
    { interval: 'often' },
    'spec.interval',
    /the interval is a duration of at least 1m, such as 10m or 1h30m/,
  ],
  [
    'a progress deadline that is no duration',
    { progressDeadline: 'soon' },
    'spec.progressDeadline',
    /the progress deadline is a duration of at least 1s, such as 10m or 1h30m/,
  ],
];

/** Refused by CEL rules, or by the operator on API servers without them. */
const refusedByRules: readonly [what: string, spec: Wrong, rule: RegExp, ours: RegExp][] = [
  [
    'neither regions nor sources',
    { regions: undefined },
    /list at least one region in spec\.regions, or name a source in spec\.regionsFrom/,
    /spec\.regions is empty: list the home region alone if no other replicas are wanted, or name a source/,
  ],
  [
    'a source that is nothing',
    { regionsFrom: [{ routing: 'WhenReady' }] },
    /a source is either nodes or resources/,
    /spec\.regionsFrom\[0\] names neither nodes nor resources/,
  ],
  [
    'a requirement that lacks values',
    { regionsFrom: [{ nodes: { selector: { matchExpressions: [{ key: 'pool', operator: 'In' }] } } }] },
    /In and NotIn need values; Exists and DoesNotExist take none/,
    /spec\.regionsFrom\[0\]: the requirement on the label "pool" has 0 values/,
  ],
  [
    'the same region in two spellings',
    { regions: [{ location: 'japaneast' }, { location: 'Japan East' }] },
    /a region is listed twice; "Japan East" and "japaneast" are the same region/,
    /spec\.regions lists japaneast twice, as "japaneast" and "Japan East"/,
  ],
  [
    'an interval under a minute',
    { interval: '30s' },
    /the interval is a duration of at least 1m, such as 10m or 1h30m/,
    /spec\.interval 30s is too short/,
  ],
  [
    'a progress deadline under a second',
    { progressDeadline: '900ms' },
    /the progress deadline is a duration of at least 1s, such as 10m or 1h30m/,
    /spec\.progressDeadline 900ms is too short/,
  ],
  [
    'a tag name with a character that Azure does not take',
    { regions: [{ location: 'japaneast', tags: { 'cost/center': 'web' } }] },
    /a tag's name has 1 to 512 characters, and none of < > % & \\ \? \//,
    /japaneast has the tag name "cost\/center"; Azure allows 1 to 512 characters without/,
  ],
  [
    'a tag name with a backslash',
    { regions: [{ location: 'japaneast', tags: { 'cost\\center': 'web' } }] },
    /a tag's name has 1 to 512 characters, and none of < > % & \\ \? \//,
    /japaneast has the tag name "cost\\center"; Azure allows 1 to 512 characters without/,
  ],
  [
    'a tag name longer than Azure takes',
    { regions: [{ location: 'japaneast', tags: { ['n'.repeat(513)]: 'web' } }] },
    /a tag's name has 1 to 512 characters/,
    /japaneast has the tag name "n+"; Azure allows 1 to 512 characters/,
  ],
  [
    'a tag name that Azure reserves',
    { regions: [{ location: 'japaneast', tags: { 'Microsoft.team': 'web' } }] },
    /Azure reserves the tag names that begin with azure, microsoft or windows/,
    /japaneast has the tag name "Microsoft\.team"; Azure reserves/,
  ],
  [
    'two tags that are one to Azure',
    { regions: [{ location: 'japaneast', tags: { Team: 'web', team: 'api' } }] },
    /a tag is named twice; Azure ignores the case of tag names/,
    /japaneast has the tag "team" twice; Azure ignores the case of tag names/,
  ],
  [
    'more tags than an object may have',
    { regions: regionsWithTags(11, 50) },
    /the number of regions times the number of tags of any one region is at most 500/,
    /spec\.regions has 11 regions with up to 50 tags; the number of regions times/,
  ],
];

function regionsWithTags(regions: number, tags: number): unknown[] {
  const names = Object.fromEntries(Array.from({ length: tags }, (_, n) => [`tag${n}`, 'x'.repeat(256)]));
  return Array.from({ length: regions }, (_, n) => ({ location: `region${n}`, tags: names }));
}

/** Rules that no schema can express. */
const refusedByOperator: readonly [what: string, spec: Wrong, words: RegExp][] = [
  [
    'a tag name with a character that cannot be seen',
    { regions: [{ location: 'japaneast', tags: { 'team\u200b': 'web' } }] },
    /japaneast has the tag name "team.*", of which some characters cannot be seen/,
  ],
];

describeWithKubectl('an invalid spec', () => {
  let scenario: Scenario;
  let hasCelRules: boolean;

  before(async () => {
    scenario = await startScenario({ timings: instant });
    const { serverVersion } = JSON.parse(await scenario.kubectl('version -o json'));
    // API servers before 1.25 ignore x-kubernetes-validations.
    hasCelRules = Number.parseInt(serverVersion.minor, 10) >= 25;
  });
  after(() => scenario?.close());

  function wrong(name: string, spec: Wrong): string {
    const valid = JSON.parse(manifest(name, { regions: ['japaneast'] }, scenario.identity));
    return JSON.stringify({ ...valid, spec: { ...valid.spec, ...spec } });
  }

  async function rejectionOf(input: string): Promise<string> {
    return scenario.kubectl('apply -f -', { input }).then(
      () => expect.fail('the API server accepted it'),
      (error: Error) => error.message,
    );
  }

  async function invalidSpec(name: string, spec: Wrong): Promise<string> {
    scenario.addRegistry(name);
    await scenario.kubectl('apply -f -', { input: wrong(name, { registry: { ...registry, name }, ...spec }) });
    const object = await scenario.until(name, 'is refused', isNotReadyBecause('InvalidSpec'));
    expect(condition(object, 'Stalled')).to.include({ status: 'True', reason: 'InvalidSpec' });
    expect(object.status?.phase).to.equal('Failed');
    expect(scenario.arm.journal.entries.filter((request) => request.registry === name)).to.deep.equal([]);
    return readyMessage(object);
  }

  for (const [what, spec, words] of refusedBySchema)
    it(`is refused by the schema: ${what}`, async () => {
      expect(await rejectionOf(wrong('wrong', spec))).to.match(words);
    });

  for (const [what, spec, field, words] of refusedReadably)
    it(`is refused by every API server, with a readable message by those with CEL rules: ${what}`, async () => {
      const message = await rejectionOf(wrong('wrong', spec));
      expect(message).to.match(new RegExp(`${field.replaceAll('.', '\\.')}: Invalid value: `));
      if (hasCelRules) expect(message).to.match(words);
      // The message must not show how the rule is evaluated.
      expect(message).not.to.match(/evaluat|conversion/);
    });

  refusedByRules.forEach(([what, spec, rule, ours], index) => {
    it(`is refused: ${what}`, async () => {
      if (hasCelRules) {
        const message = await rejectionOf(wrong('wrong', spec));
        expect(message).to.match(rule);
        expect(message).not.to.match(/evaluat|conversion/);
      } else expect(await invalidSpec(`ruled${index}`, spec)).to.match(ours);
    });
  });

  refusedByOperator.forEach(([what, spec, words], index) => {
    it(`is refused by the operator: ${what}`, async () => {
      expect(await invalidSpec(`spec${index}`, spec)).to.match(words);
    });
  });

  it('may have as many tags as the limits allow, in ten regions and in a hundred', async () => {
    for (const [regions, tags] of [
      [10, 50],
      [100, 5],
    ] as const) {
      const spec = { suspend: true, regions: regionsWithTags(regions, tags) };
      await scenario.kubectl('create -f -', { input: wrong(`large${regions}`, spec) });
      await scenario.until(`large${regions}`, 'is Suspended', ({ status }) => status?.phase === 'Suspended');
    }
  });

  it('recovers when it is edited', async () => {
    await invalidSpec('healing', { regions: [{ location: 'japaneast', tags: { 'app\u200b': 'web' } }] });
    await scenario.patch('healing', { spec: { regions: [{ location: 'japaneast', tags: { app: 'web' } }] } });
    await scenario.untilReady('healing');
    expect(scenario.writesTo('healing')).to.deep.equal(['PUT japaneast']);
  });

  it('is one whose registry was changed (trap 16)', async () => {
    scenario.addRegistry('fixed');
    scenario.addRegistry('other');
    await scenario.apply('fixed', { regions: ['eastus'] });
    await scenario.untilReady('fixed');
    const patch = { spec: { registry: { name: 'other' } } };
    if (hasCelRules) {
      const message = await scenario.patch('fixed', patch).then(
        () => expect.fail('the API server accepted it'),
        (error: Error) => error.message,
      );
      expect(message).to.contain('the registry cannot be changed; make a new RegistryReplication for another registry');
    } else {
      await scenario.patch('fixed', patch);
      const object = await scenario.until('fixed', 'is refused', isNotReadyBecause('InvalidSpec'));
      expect(readyMessage(object)).to.match(/^spec\.registry is immutable: change it back, .*\/registries\/fixed\)$/);
    }
    expect(scenario.arm.journal.entries.filter((request) => request.registry === 'other')).to.deep.equal([]);
  });

  it('keeps secrets, tokens and signed URLs out of the log', () => {
    expect(scenario.operator.log).not.to.have.length(0);
    expect(scenario.secretsLogged()).to.deep.equal([]);
  });
});
