import { expect } from 'chai';
import { proxyVariablesFor } from '../../../src/azure/proxy.ts';

const urls = ['https://management.azure.com', 'https://login.microsoftonline.com', 'https://10.1.2.3:8443'];

const bypassed = (noProxy: string) =>
  (proxyVariablesFor({ HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: noProxy }, urls).NO_PROXY ?? '')
    .split(',')
    .filter((name) => !noProxy.split(/[\s,]+/).includes(name));

describe('the proxy variables', () => {
  it('are unchanged if no proxy is set', () => expect(proxyVariablesFor({ NO_PROXY: '*' }, urls)).to.deep.equal({}));

  for (const name of ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'HTTP_PROXY'])
    it(`get the scheme http by default: ${name}`, () => {
      expect(proxyVariablesFor({ [name]: 'proxy.example.com:3128' }, urls)).to.deep.equal({
        [name]: 'http://proxy.example.com:3128',
      });
      expect(proxyVariablesFor({ [name]: 'https://proxy:1' }, urls)).to.deep.equal({ [name]: 'https://proxy:1' });
    });

  for (const value of ['socks5://user:hunter2@proxy:1080', 'http://', 'http://user:hunter2@a b', '::', 'proxy:port'])
    it(`are rejected without showing their value: ${value}`, () =>
      expect(() => proxyVariablesFor({ HTTPS_PROXY: value }, urls))
        .to.throw(/^HTTPS_PROXY must be the address of an HTTP proxy/)
        .with.property('message')
        .that.does.not.contain('hunter2'));

  it('bypass the proxy for everything if NO_PROXY is *', () =>
    expect(bypassed('*')).to.deep.equal([
      'management.azure.com',
      'login.microsoftonline.com',
      '10.1.2.3',
      '169.254.169.254',
    ]));

  for (const [noProxy, hosts] of [
    ['10.0.0.0/8', ['10.1.2.3']],
    ['169.254.0.0/16,10.2.0.0/16', ['169.254.169.254']],
    ['fd00::/8 10.1.2.3/32', ['10.1.2.3']],
    ['azure.com', ['management.azure.com']],
    ['.azure.com', ['management.azure.com']],
    ['*.microsoftonline.com', ['login.microsoftonline.com']],
    ['MANAGEMENT.azure.com:443', ['management.azure.com']],
    ['management.azure.com:8443', []],
    ['10.1.2.3:8443', ['10.1.2.3']],
    ['ure.com,localhost', []],
  ] as const)
    it(`bypass the proxy as Go does: ${noProxy}`, () => expect(bypassed(noProxy)).to.deep.equal(hosts));

  for (const range of ['10.0.0.0/33', '10.0.0.0/', 'example.com/8', '/8'])
    it(`are rejected by name for ${range}`, () => expect(() => bypassed(range)).to.throw(/^NO_PROXY has .*range/));
});
