import { expect } from 'chai';
import type { ManifestAnswer } from '../../../src/azure/manifest-reader.ts';
import { loginServerOf, regionalHost, regionOf } from '../../../src/azure/registry-endpoint.ts';
import { formatImage, parseImage } from '../../../src/cli/image/image-name.ts';
import {
  availabilityOf,
  changeLines,
  messageOf,
  presence,
  type RegionAnswer,
  withAnswer,
} from '../../../src/cli/image/region-answers.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const otherDigest = `sha256:${'b'.repeat(64)}`;
const at = (seconds: number) => new Date(Date.UTC(2026, 10, 22, 12, 0, seconds));
const present = (digest: string): ManifestAnswer => ({ kind: 'Present', digest });

function region(location: string, answer: ManifestAnswer | undefined, endpoint = 'host'): RegionAnswer {
  return withAnswer(undefined, { location, endpoint, answer }, at(0));
}

describe('the name of an image', () => {
  it('has a repository and a tag or digest, with or without a login server', () => {
    expect(parseImage('web:1.2')).to.deep.equal({ loginServer: undefined, repository: 'web', reference: '1.2' });
    expect(parseImage(`team/web@${digest}`)).to.deep.include({ repository: 'team/web', reference: digest });
    expect(parseImage('myACR.azurecr.io/team/web:1')).to.deep.equal({
      loginServer: 'myacr.azurecr.io',
      repository: 'team/web',
      reference: '1',
    });
    expect(parseImage('myacr.japaneast.geo.azurecr.io/web:1')?.loginServer).to.equal('myacr.azurecr.io');
  });

  it('takes the digest of a name that has both, as a pull does', () => {
    expect(parseImage(`web:1@${digest}`)?.reference).to.equal(digest);
  });

  it('is refused without tag or digest, of another registry, or in a wrong form', () => {
    const wrong = [
      'web',
      'web:',
      'web@',
      'web@sha256:abc',
      'Web:1',
      'web:a b',
      'docker.io/library/web:1',
      '../x:1',
      '',
      ':1',
    ];
    expect(wrong.filter((text) => parseImage(text) !== undefined)).to.deep.equal([]);
  });

  it('reads as a pull writes it', () => {
    expect(formatImage({ repository: 'web', reference: '1' })).to.equal('web:1');
    expect(formatImage({ repository: 'web', reference: digest })).to.equal(`web@${digest}`);
  });
});

describe('the endpoints of a registry', () => {
  it('belong to a region if they are those of the login server', () => {
    expect(regionOf('myacr.japaneast.geo.azurecr.io', 'myacr.azurecr.io')).to.equal('japaneast');
    expect(regionOf('other.japaneast.geo.azurecr.io', 'myacr.azurecr.io')).to.equal(undefined);
    expect(regionOf('myacr.japaneast.geo.azurecr.cn', 'myacr.azurecr.io')).to.equal(undefined);
    expect(regionOf('myacr.japaneast.data.azurecr.io', 'myacr.azurecr.io')).to.equal(undefined);
  });

  it('are derived from login servers of Azure only, because they get a token', () => {
    expect(regionalHost('myacr-x1y2.azurecr.io', 'japaneast')).to.equal('myacr-x1y2.japaneast.geo.azurecr.io');
    const hostile = ['myacr.example.com', 'myacr.azurecr.io.example.com', 'example.com/.azurecr.io', ''];
    expect(hostile.filter((server) => regionalHost(server, 'japaneast') ?? loginServerOf(server))).to.deep.equal([]);
  });
});

describe('the answers of the regions', () => {
  it('are complete when all have the same digest', () => {
    expect(availabilityOf([region('a', present(digest)), region('b', present(digest))])).to.equal('everywhere');
    expect(availabilityOf([region('a', present(digest)), region('b', present(otherDigest))])).to.equal('notYet');
    expect(availabilityOf([region('a', present(digest)), region('b', { kind: 'Missing' })])).to.equal('notYet');
    expect(availabilityOf([region('a', { kind: 'Missing' }), region('b', undefined)])).to.equal('notYet');
    expect(availabilityOf([])).to.equal('notYet');
  });

  it('end a wait when a region refuses', () => {
    const refused = region('b', { kind: 'Denied', message: 'no' });
    expect(availabilityOf([region('a', present(digest)), refused])).to.equal('denied');
    expect(presence(refused)).to.equal('Unknown');
  });

  it('keep since when they were asked, and since when a region has the digest', () => {
    const missing = region('a', { kind: 'Missing' });
    const ask = { location: 'a', endpoint: 'host', answer: present(digest) };
    const arrived = withAnswer(missing, ask, at(5));
    const again = withAnswer(arrived, ask, at(9));
    expect(again).to.deep.include({ askedSince: at(0), presentSince: at(5) });
    const moved = withAnswer(again, { ...ask, answer: present(otherDigest) }, at(12));
    expect(moved.presentSince).to.deep.equal(at(12));
  });

  it('say in one line what has changed', () => {
    const before = [region('a', present(digest)), region('b', { kind: 'Missing' })];
    const now = [before[0], region('b', present(otherDigest))] as RegionAnswer[];
    expect(changeLines([], before)).to.deep.equal([`a: ${digest}`, 'b: not there yet']);
    expect(changeLines(before, now)).to.deep.equal([
      `a: ${digest}, another digest than b`,
      `b: ${otherDigest}, another digest than a`,
    ]);
    expect(changeLines(now, now)).to.deep.equal([]);
  });

  it('tell an image that no region has from one that is on its way', () => {
    const missing = region('a', { kind: 'Missing' });
    expect(messageOf(missing, [missing])).to.equal('no region has it');
    expect(messageOf(missing, [missing, region('b', present(digest))])).to.equal('not there yet');
    expect(messageOf({ ...missing, endpoint: undefined }, [missing])).to.match(/no replica in the region yet$/);
  });
});
