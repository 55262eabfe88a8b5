import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { typesOf } from '../../../scripts/generate-types.ts';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

describe("the API's types", () => {
  it('match the CRD (npm run generate)', async () => {
    expect(read('src/api/registryreplication.generated.ts')).to.equal(
      await typesOf(read('crds/registryreplications.yaml')),
    );
  });
});
