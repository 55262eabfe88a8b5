import { expect } from 'chai';
import fc from 'fast-check';
import { allowedRegistries, annotation } from '../../../src/api/registryreplication.ts';
import { authorize, matches, patternsIn, type Rules, readingAge } from '../../../src/replication/authorization.ts';
import { registryId } from '../../../src/replication/validation.ts';
import { anObject } from './fixtures.ts';

const registry = {
  subscriptionId: '00000000-0000-0000-0000-00000000000a',
  resourceGroup: 'web-images',
  name: 'myACR0007',
};
const id = registryId(registry);

/** An id pattern with these three names. */
function pattern(subscriptionId: string, resourceGroup: string, name: string): string {
  return registryId({ subscriptionId, resourceGroup, name });
}

/** Any names that both Azure and the schema allow in a registry id. */
const anyRegistry = fc.record({
  subscriptionId: fc.uuid(),
  resourceGroup: fc.stringMatching(/^[-\w.()]{0,20}[-\w()]$/),
  name: fc.stringMatching(/^[a-zA-Z0-9]{5,20}$/),
});
type Names = typeof registry;

describe('a pattern of registries', () => {
  it('matches the registry with that id, ignoring case', () => {
    fc.assert(
      fc.property(anyRegistry, (names) => {
        const own = registryId(names);
        expect(matches(own, own)).to.equal(true);
        expect(matches(own.toUpperCase(), own)).to.equal(true);
        expect(matches(own, own.toUpperCase())).to.equal(true);
      }),
    );
  });

  it('matches no other registry when it has no star', () => {
    fc.assert(
      fc.property(anyRegistry, anyRegistry, (one, other) => {
        fc.pre(registryId(one).toLowerCase() !== registryId(other).toLowerCase());
        expect(matches(registryId(one), registryId(other))).to.equal(false);
      }),
    );
  });

  it('matches any characters of one name for a star, and only within that name', () => {
    const parts = ['subscriptionId', 'resourceGroup', 'name'] as const;
    fc.assert(
      fc.property(
        anyRegistry,
        fc.constantFrom(...parts),
        fc.nat(),
        fc.nat(),
        anyRegistry,
        (names, part, a, b, other) => {
          const text = names[part];
          const [from, to] = [a % (text.length + 1), b % (text.length + 1)].sort((x, y) => x - y);
          const starred: Names = { ...names, [part]: `${text.slice(0, from)}*${text.slice(to)}` };
          expect(matches(registryId(starred), registryId(names))).to.equal(true);
          // The other two names still have to agree.
          const elsewhere = { ...other, [part]: names[part] };
          fc.pre(registryId(elsewhere).toLowerCase() !== registryId(names).toLowerCase());
          expect(matches(registryId(starred), registryId(elsewhere))).to.equal(false);
        },
      ),
    );
  });

  it('matches the same names as the equivalent regular expression', () => {
    const letters = fc.stringMatching(/^[ab*]{1,8}$/);
    fc.assert(
      fc.property(letters, fc.stringMatching(/^[ab]{5,9}$/), (glob, name) => {
        const expected = new RegExp(`^${glob.replaceAll('*', '.*')}$`).test(name);
        expect(matches(pattern('*', '*', glob), pattern(registry.subscriptionId, 'x', name))).to.equal(expected);
      }),
    );
  });

  it('is matched in time linear in its length, however many stars it has', () => {
    const many = pattern('*', '*', `${'*a'.repeat(5_000)}*b`);
    expect(matches(many, pattern(registry.subscriptionId, 'x', 'a'.repeat(50)))).to.equal(false);
  });

  const escapes = [
    '*',
    '/*',
    '**',
    '/subscriptions/*',
    '/subscriptions/**',
    `${id}/`,
    `${id}/*`,
    `/${id}`,
    id.slice(1),
    ` ${id}`,
    `${id}\0`,
    `${id}?x`,
    `${id}#`,
    id.replace('/providers/', '/*/'),
    id.replace('Microsoft.ContainerRegistry', '*'),
    id.replace('Microsoft.ContainerRegistry', 'Microsoft.Storage'),
    id.replace('/registries/', '/registries/x/../'),
    pattern('*', '../resourceGroups/web-images', registry.name),
    pattern('*', '..', registry.name),
    pattern('*', '.', '*'),
    pattern('*', '%2e%2e', '*'),
    pattern('*', 'web-images%2fproviders', '*'),
    pattern('*', 'web%2Dimages', '*'),
    pattern('*', 'web\\images', '*'),
    pattern('*', 'web-[a-z]+', '*'),
    pattern('*', 'web-?mages', '*'),
    pattern('*', '', '*'),
    // Letters that look like ASCII, or fold to it: Cyrillic, full width, the Kelvin sign, long s.
    pattern('*', 'w\u0435b-images', '*'),
    pattern('*', '\uff57eb-images', '*'),
    pattern('*', 'web-image\u017f', '*'),
    pattern('*', 'web\u2010images', '*'),
    pattern('*', 'web-images\u200b', '*'),
    pattern('*', 'web-images', 'myACR0007\u202e'),
  ];
  for (const attempt of escapes) {
    it(`matches nothing when it is ${JSON.stringify(attempt)}`, () => {
      expect(matches(attempt, id)).to.equal(false);
    });
  }

  it('matches no malformed id, such as one with a slash, an escape or a star in a name', () => {
    const any = pattern('*', '*', '*');
    expect(matches(any, id)).to.equal(true);
    for (const hostile of ['a/b', '..', '%2f', 'a%2fb', '*', 'w\u0435b', '', 'a b', 'K\u212a']) {
      expect(matches(any, pattern(registry.subscriptionId, hostile, registry.name)), hostile).to.equal(false);
      expect(matches(any, pattern(registry.subscriptionId, 'web', hostile)), hostile).to.equal(false);
    }
    expect(matches(pattern('*', 'web-ima*', '*'), id.replace('images', 'images/../other'))).to.equal(false);
  });

  it('is read from a list separated by commas, blanks or line breaks', () => {
    expect(patternsIn(` ${id},\n${id}\t,, ${id} `)).to.deep.equal([id, id, id]);
    expect(patternsIn('')).to.deep.equal([]);
  });
});

describe('the maximum age of a namespace reading', () => {
  it('is a minute for a periodic pass', () => {
    expect(readingAge(anObject({ status: { observedGeneration: 1 } }))).to.equal(60_000);
  });

  it('is zero for a new or edited object, and for a reconcile request', () => {
    const status = { observedGeneration: 1 };
    const annotations = { [annotation.reconcileRequestedAt]: 'now' };
    for (const object of [anObject(), anObject({ generation: 2, status }), anObject({ annotations, status })])
      expect(readingAge(object)).to.equal(0);
  });
});

describe('the authorization of an object', () => {
  const allow: Rules = { defaultIdentity: 'allow', defaultRegistries: 'allow' };
  const object = anObject({ spec: { registry } });
  const own = anObject({ spec: { registry, identity: { serviceAccountName: 'registries' } } });
  const listing = (text: string) => ({ annotations: { [allowedRegistries]: text } });
  const withoutList = { annotations: {} };

  it('is granted by default', () => {
    expect(authorize(object, allow, withoutList)).to.equal(undefined);
  });

  it('is denied without an identity when the default identity is denied', () => {
    const rules: Rules = { ...allow, defaultIdentity: 'deny' };
    expect(authorize(object, rules, withoutList)).to.include({ reason: 'DefaultIdentityDenied' });
    expect(authorize(own, rules, withoutList)).to.equal(undefined);
  });

  it('is granted only for registries that the namespace lists, whichever identity is used', () => {
    for (const each of [object, own]) {
      expect(authorize(each, allow, listing(`/subscriptions/x, ${id.toLowerCase()}`))).to.equal(undefined);
      const denial = authorize(each, allow, listing(id.replace('web-', 'api-')));
      expect(denial).to.include({ reason: 'RegistryNotAllowed' });
      expect(denial?.message)
        .to.contain(`does not list registry ${registry.name}`)
        .and.contain(`by adding ${id} there`);
    }
  });

  it('is denied when the list is empty', () => {
    expect(authorize(object, allow, listing(''))).to.include({ reason: 'RegistryNotAllowed' });
  });

  it('is denied with a message that names an invalid pattern in the list', () => {
    const denial = authorize(object, allow, listing('/subscriptions/*'));
    expect(denial?.message).to.contain('its entry "/subscriptions/*" is no pattern');
  });

  it('is denied without a list when the operator requires one, with the command that creates it', () => {
    const rules: Rules = { ...allow, defaultRegistries: 'deny' };
    expect(authorize(object, rules, listing(id))).to.equal(undefined);
    const denial = authorize(object, rules, withoutList);
    expect(denial?.reason).to.equal('RegistryNotAllowed');
    expect(denial?.message).to.contain(`kubectl annotate namespace registries ${allowedRegistries}=${id}`);
  });

  it('is denied when the namespace cannot be read', () => {
    const denial = authorize(object, allow, { refused: 'forbidden', words: '403' });
    expect(denial).to.include({ reason: 'NamespaceUnreadable' });
  });
});
