import { expect } from 'chai';
import { humanDuration } from '../../../src/lib/human-duration.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

describe('a duration for people', () => {
  for (const [ms, words] of [
    [-5, '0s'],
    [999, '0s'],
    [119 * second, '119s'],
    [2 * minute, '2m'],
    [3 * minute + 20 * second, '3m20s'],
    [10 * minute + 59 * second, '10m'],
    [3 * hour + 12 * minute, '3h12m'],
    [8 * hour + 59 * minute, '8h'],
    [2 * day, '2d'],
    [6 * day + 3 * hour, '6d3h'],
    [400 * day, '400d'],
    [3 * 365 * day, '3y'],
    [9 * 365 * day, '9y'],
  ] as const)
    it(`${ms} ms is ${words}, as in kubectl's column AGE`, () => {
      expect(humanDuration(ms)).to.equal(words);
    });
});
