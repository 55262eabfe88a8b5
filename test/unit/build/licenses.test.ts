import { expect } from 'chai';
import type { BundledPackage } from '../../../scripts/bundled-packages.ts';
import { LicenseError, licenseFile } from '../../../scripts/licenses.ts';

const left: BundledPackage = {
  name: 'left-pad',
  version: '1.3.0',
  license: 'MIT',
  notices: ['Copyright (c) the author of left-pad'],
  integrity: 'sha512-AA==',
  requires: [],
};
const right: BundledPackage = { ...left, name: '@pads/right', license: 'ISC', notices: ['Its licence', 'Its notice'] };

describe('the licences of bundled packages', () => {
  it('are listed, then printed in full, with the notices in the code itself', () => {
    const file = licenseFile([right, left], 'right.js:\n  /*! based on left-pad 1.0 */');
    expect(file).to.match(
      /^main\.mjs and its chunks hold code of these packages:\n\n@pads\/right@1\.3\.0 {2}ISC\nleft-pad@1\.3\.0 {2}MIT\n/,
    );
    const texts = ['Its licence', 'Its notice', 'Copyright (c) the author of left-pad', 'based on left-pad 1.0'];
    expect(texts.map((text) => file.indexOf(text))).to.satisfy((places: number[]) =>
      places.every((place, index) => place > (places[index - 1] ?? 0)),
    );
  });

  it('fail the build in one line if one is missing, unknown, or has no text', () => {
    const nameless = { ...left, name: 'nameless', license: undefined };
    const strict = { ...left, name: 'strict', license: 'AGPL-3.0-only' };
    const mute = { ...left, name: 'mute', notices: [] };
    expect(() => licenseFile([left, nameless, strict, mute], '')).to.throw(
      LicenseError,
      'Not to be bundled: nameless@1.3.0 names no licence; strict@1.3.0 is under AGPL-3.0-only, which scripts/licenses.ts ' +
        'does not allow; mute@1.3.0 has no file with the text of its licence.',
    );
  });
});
