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

/** The pattern of ids that has these three names. */
function pattern(subscriptionId: string, resourceGroup: string, name: string): string {
  return registryId({ subscriptionId, resourceGroup, name });
}

/** What Azure allows in each of an id's three names, and what the schema lets through. */
const anyRegistry = fc.record({
  subscriptionId: fc.uuid(),
  resourceGroup: fc.stringMatching(/^[-\w.()]{0,20}[-\w()]$/),
  name: fc.stringMatching(/^[a-zA-Z0-9]{5,20}$/),
});
type Names = typeof registry;

describe('a pattern of registries', () => {
  it('stands for the registry whose id it is, whatever the case of its letters', () => {
    fc.assert(
      fc.property(anyRegistry, (names) => {
        const own = registryId(names);
        expect(matches(own, own)).to.equal(true);
        expect(matches(own.toUpperCase(), own)).to.equal(true);
        expect(matches(own, own.toUpperCase())).to.equal(true);
      }),
    );
  });

  it('without a star stands for no other', () => {
    fc.assert(
      fc.property(anyRegistry, anyRegistry, (one, other) => {
        fc.pre(registryId(one).toLowerCase() !== registryId(other).toLowerCase());
        expect(matches(registryId(one), registryId(other))).to.equal(false);
      }),
    );
  });

  it('stands for what it becomes when its stars become any characters of a name, and for the names alone', () => {
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

  it('with stars stands for what the same regular expression would', () => {
    const letters = fc.stringMatching(/^[ab*]{1,8}$/);
    fc.assert(
      fc.property(letters, fc.stringMatching(/^[ab]{5,9}$/), (glob, name) => {
        const expected = new RegExp(`^${glob.replaceAll('*', '.*')}$`).test(name);
        expect(matches(pattern('*', '*', glob), pattern(registry.subscriptionId, 'x', name))).to.equal(expected);
      }),
    );
  });

  it('is compared in a time that grows with its length, however many stars it has', () => {
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
    // Letters that look alike, or that become one of ASCII where case is folded: Cyrillic, full width, the Kelvin sign, long s.
    pattern('*', 'w\u0435b-images', '*'),
    pattern('*', '\uff57eb-images', '*'),
    pattern('*', 'web-image\u017f', '*'),
    pattern('*', 'web\u2010images', '*'),
    pattern('*', 'web-images\u200b', '*'),
    pattern('*', 'web-images', 'myACR0007\u202e'),
  ];
  for (const attempt of escapes) {
    it(`matches nothing where it is ${JSON.stringify(attempt)}`, () => {
      expect(matches(attempt, id)).to.equal(false);
    });
  }

  it('matches no id that is none: what is named with a slash, an escape or a star has no registry', () => {
    const any = pattern('*', '*', '*');
    expect(matches(any, id)).to.equal(true);
    for (const hostile of ['a/b', '..', '%2f', 'a%2fb', '*', 'w\u0435b', '', 'a b', 'K\u212a']) {
      expect(matches(any, pattern(registry.subscriptionId, hostile, registry.name)), hostile).to.equal(false);
      expect(matches(any, pattern(registry.subscriptionId, 'web', hostile)), hostile).to.equal(false);
    }
    expect(matches(pattern('*', 'web-ima*', '*'), id.replace('images', 'images/../other'))).to.equal(false);
  });

  it('is one of a list that commas, blanks or lines separate', () => {
    expect(patternsIn(` ${id},\n${id}\t,, ${id} `)).to.deep.equal([id, id, id]);
    expect(patternsIn('')).to.deep.equal([]);
  });
});

describe('what is known of a namespace', () => {
  it('may be a minute old for a look by the clock', () => {
    expect(readingAge(anObject({ status: { observedGeneration: 1 } }))).to.equal(60_000);
  });

  it('is read anew for an object that is new or edited, or where a person asks for a look', () => {
    const status = { observedGeneration: 1 };
    const annotations = { [annotation.reconcileRequestedAt]: 'now' };
    for (const object of [anObject(), anObject({ generation: 2, status }), anObject({ annotations, status })])
      expect(readingAge(object)).to.equal(0);
  });
});

describe('whether an object may act', () => {
  const allow: Rules = { defaultIdentity: 'allow', defaultRegistries: 'allow' };
  const object = anObject({ spec: { registry } });
  const own = anObject({ spec: { registry, identity: { serviceAccountName: 'registries' } } });
  const listing = (text: string) => ({ annotations: { [allowedRegistries]: text } });
  const silent = { annotations: {} };

  it('it may, unless something is said', () => {
    expect(authorize(object, allow, silent)).to.equal(undefined);
  });

  it('without an identity of its own it may not where the operator lends none', () => {
    const rules: Rules = { ...allow, defaultIdentity: 'deny' };
    expect(authorize(object, rules, silent)).to.include({ reason: 'DefaultIdentityDenied' });
    expect(authorize(own, rules, silent)).to.equal(undefined);
  });

  it('it may name what its namespace lists and nothing else, whichever identity acts for it', () => {
    for (const each of [object, own]) {
      expect(authorize(each, allow, listing(`/subscriptions/x, ${id.toLowerCase()}`))).to.equal(undefined);
      const refusal = authorize(each, allow, listing(id.replace('web-', 'api-')));
      expect(refusal).to.include({ reason: 'RegistryNotAllowed' });
      expect(refusal?.message).to.contain(`does not list ${id}`).and.contain('namespace registries');
    }
  });

  it('an empty list allows nothing', () => {
    expect(authorize(object, allow, listing(''))).to.include({ reason: 'RegistryNotAllowed' });
  });

  it('is told which entry of the list is no pattern', () => {
    const refusal = authorize(object, allow, listing('/subscriptions/*'));
    expect(refusal?.message).to.contain('its entry "/subscriptions/*" is no pattern');
  });

  it('no list allows everything, or nothing where the operator demands one, and says how to make it', () => {
    const rules: Rules = { ...allow, defaultRegistries: 'deny' };
    expect(authorize(object, rules, listing(id))).to.equal(undefined);
    const refusal = authorize(object, rules, silent);
    expect(refusal?.reason).to.equal('RegistryNotAllowed');
    expect(refusal?.message).to.contain(`kubectl annotate namespace registries ${allowedRegistries}=${id}`);
  });

  it('may not where the namespace cannot be read', () => {
    const refusal = authorize(object, allow, { refused: 'forbidden', words: '403' });
    expect(refusal).to.include({ reason: 'NamespaceUnreadable' });
  });
});
