// A schema with one field of each topology, and values of it.
import fc from 'fast-check';
import type { Json, JsonObject } from '../../emulators/kubernetes/object.ts';
import type { Schema } from '../../emulators/kubernetes/schema/structural.ts';

const string: Schema = { type: 'string' };

/** One field of each topology. */
export const schema: Schema = {
  type: 'object',
  properties: {
    text: string,
    part: { type: 'object', properties: { text: string, flag: { type: 'boolean' } } },
    tags: { type: 'object', additionalProperties: string },
    whole: { type: 'object', 'x-kubernetes-map-type': 'atomic', additionalProperties: string },
    list: { type: 'array', items: string },
    names: { type: 'array', items: string, 'x-kubernetes-list-type': 'set' },
    items: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['key'],
      items: { type: 'object', properties: { key: string, text: string } },
    },
  },
};

const letter = fc.constantFrom('a', 'b', 'c');
const optional = (arbitrary: fc.Arbitrary<Json>) => fc.option(arbitrary, { nil: undefined });

/** A value of the schema, with any of its fields. Maps and lists of owned members are not empty: those name no field. */
export const configuration: fc.Arbitrary<JsonObject> = fc
  .record({
    text: optional(letter),
    part: optional(fc.record({ text: letter }, { requiredKeys: ['text'] })),
    tags: optional(fc.dictionary(letter, letter, { minKeys: 1 })),
    whole: optional(fc.dictionary(letter, letter)),
    list: optional(fc.array(letter, { maxLength: 2 })),
    names: optional(fc.uniqueArray(letter, { minLength: 1 })),
    items: optional(
      fc.uniqueArray(fc.record({ key: letter, text: letter }), { minLength: 1, selector: ({ key }) => key }),
    ),
  })
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonObject);
