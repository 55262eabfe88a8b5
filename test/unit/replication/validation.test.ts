import { expect } from 'chai';
import { problemsOf } from '../../../src/replication/validation.ts';
import { anObject, aRegistry, type ObjectParts } from './fixtures.ts';

const registry = anObject().spec.registry;
const sixTags = { a: '', b: '', c: '', d: '', e: '', f: '' };

describe('a valid spec', () => {
  const good: ObjectParts[] = [
    {},
    { regions: ['Japan East', 'westeurope'] },
    { spec: { interval: '1h30m' } },
    { spec: { progressDeadline: '30s' } },
    { status: { registry: { id: aRegistry().id.toUpperCase() } } },
  ];
  for (const parts of good)
    it(`has no problems: ${JSON.stringify(parts).slice(0, 60)}`, () =>
      expect(problemsOf(anObject(parts))).to.deep.equal([]));
});

describe('an invalid spec', () => {
  const bad: [string, ObjectParts, string][] = [
    [
      'a region listed twice in two spellings (trap 3)',
      { regions: ['Japan East', 'japaneast'] },
      'lists japaneast twice, as "Japan East" and "japaneast"',
    ],
    ['no regions (trap 17)', { regions: [] }, 'list the home region alone if no other replicas are wanted'],
    ['too many regions', { regions: Array.from({ length: 101 }, (_, n) => `region${n}`) }, 'at most 100'],
    ['a location with a path traversal', { regions: ['../x'] }, '"../x" is not a region'],
    ['a location that is too long', { regions: ['x'.repeat(65)] }, 'is not a region'],
    [
      'a registry name with a suffix',
      { spec: { registry: { ...registry, name: 'my.azurecr.io' } } },
      "without the login server's suffix",
    ],
    [
      'a subscription that is no GUID',
      { spec: { registry: { ...registry, subscriptionId: 'mine' } } },
      'is not a subscription id',
    ],
    [
      'a resource group that ends in a dot',
      { spec: { registry: { ...registry, resourceGroup: 'group.' } } },
      "is not a resource group's name",
    ],
    [
      'a changed registry (trap 16)',
      { status: { registry: { id: '/subscriptions/x/other' } } },
      'is immutable: change it back, and create another RegistryReplication for another registry (it was /subscriptions/x/other)',
    ],
    ['an interval that is too short', { spec: { interval: '59s' } }, 'at least 1m'],
    ['a progress deadline that is too short', { spec: { progressDeadline: '900ms' } }, 'at least 1s'],
    ['an interval that is not a duration', { spec: { interval: 'soon' } }, 'is not a duration such as 10m'],
    [
      'a tag name that Azure refuses',
      { regions: [{ location: 'japaneast', tags: { 'a/b': '1' } }] },
      'has the tag name "a/b"',
    ],
    [
      'a tag name that Azure reserves',
      { regions: [{ location: 'japaneast', tags: { AzureTeam: '1' } }] },
      'Azure reserves the names that begin with azure',
    ],
    [
      'too many tags for so many regions',
      { regions: Array.from({ length: 100 }, (_, n) => ({ location: `region${n}`, tags: sixTags })) },
      'has 100 regions with up to 6 tags; the number of regions times the number of tags of any one region is at most 500',
    ],
    [
      'two tag names that differ only in case',
      { regions: [{ location: 'japaneast', tags: { a: '1', A: '2' } }] },
      'Azure ignores the case',
    ],
    [
      'a tag value that is too long',
      { regions: [{ location: 'japaneast', tags: { a: 'x'.repeat(257) } }] },
      "Azure's 256 characters",
    ],
  ];
  for (const [what, parts, explanation] of bad) {
    it(`is rejected with an explanation: ${what}`, () => {
      const problems = problemsOf(anObject(parts));
      expect(problems).to.have.length(1);
      expect(problems[0]).to.contain(explanation);
    });
  }
});
