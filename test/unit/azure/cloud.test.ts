import { expect } from 'chai';
import { cloudFrom, scopeOf } from '../../../src/azure/cloud.ts';

describe('cloudFrom', () => {
  it('defaults to the public cloud', () => {
    expect(cloudFrom({})).to.deep.equal({
      endpoint: 'https://management.azure.com',
      audience: 'https://management.azure.com',
      authority: 'https://login.microsoftonline.com',
      knownAuthority: true,
    });
  });

  for (const [authority, endpoint] of [
    ['https://login.microsoftonline.us/', 'https://management.usgovcloudapi.net'],
    ['https://login.chinacloudapi.cn', 'https://management.chinacloudapi.cn'],
  ] as const) {
    it(`takes the endpoint from the authority ${authority}`, () => {
      const cloud = cloudFrom({ AZURE_AUTHORITY_HOST: authority });
      expect(cloud).to.include({ endpoint, audience: endpoint, knownAuthority: true });
    });
  }

  it('takes the authority from a known endpoint', () => {
    const cloud = cloudFrom({ AZURE_RESOURCE_MANAGER_ENDPOINT: 'https://management.usgovcloudapi.net/' });
    expect(cloud.authority).to.equal('https://login.microsoftonline.us');
  });

  it('lets the endpoint be set for a known authority', () => {
    const cloud = cloudFrom({
      AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.us',
      AZURE_RESOURCE_MANAGER_ENDPOINT: 'https://management.local.example',
    });
    expect(cloud).to.include({ endpoint: 'https://management.local.example', knownAuthority: true });
  });

  it('disables instance discovery for a custom authority', () => {
    const cloud = cloudFrom({ AZURE_AUTHORITY_HOST: 'https://127.0.0.1:8443/' });
    expect(cloud).to.include({ authority: 'https://127.0.0.1:8443', knownAuthority: false });
  });

  it('keeps the audience as it is set', () => {
    const cloud = cloudFrom({ AZURE_RESOURCE_MANAGER_AUDIENCE: 'https://management.core.windows.net/' });
    expect(scopeOf(cloud)).to.equal('https://management.core.windows.net//.default');
  });

  for (const value of [
    'http://management.azure.com',
    'management.azure.com',
    'https://user:pw@example.org',
    'https://a/?x',
  ]) {
    it(`rejects ${value} in one sentence that names the variable`, () => {
      expect(() => cloudFrom({ AZURE_AUTHORITY_HOST: value })).to.throw(/^AZURE_AUTHORITY_HOST must be an https URL/);
    });
  }

  it('takes the API version from the environment, and rejects an invalid one', () => {
    expect(cloudFrom({}).apiVersion).to.equal(undefined);
    for (const version of ['2023-07-01', '2025-06-01-preview'])
      expect(cloudFrom({ AZURE_CONTAINER_REGISTRY_API_VERSION: ` ${version} ` }).apiVersion).to.equal(version);
    for (const version of ['latest', '2023-07', '2023-07-01-beta', '2023-07-01&x=y'])
      expect(() => cloudFrom({ AZURE_CONTAINER_REGISTRY_API_VERSION: version })).to.throw(
        /^AZURE_CONTAINER_REGISTRY_API_VERSION must be a date such as 2025-11-01 or 2025-06-01-preview, not "/,
      );
  });
});
