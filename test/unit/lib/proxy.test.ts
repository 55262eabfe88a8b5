import { expect } from 'chai';
import { checkProxyVariables, parseProxy, proxyFor, proxyName } from '../../../src/lib/proxy.ts';

const arm = 'https://management.azure.com/subscriptions?api-version=1';
const targets = [
  arm,
  'https://login.microsoftonline.com',
  'https://azure.com',
  'https://10.1.2.3:8443',
  'https://[fd00::7]',
];

/** The hosts that are reached directly. */
const direct = (env: Record<string, string>, urls: readonly string[] = targets) =>
  urls
    .map((url) => new URL(url))
    .filter((url) => !proxyFor(url, env))
    .map(({ hostname }) => hostname);
const proxyOf = (env: Record<string, string>) => {
  const proxy = proxyFor(new URL(arm), env);
  return proxy && `${proxy.setBy} ${proxy.url.protocol} ${proxyName(proxy)}`;
};

describe('the proxy of a request', () => {
  it('is none if no variable is set, or only empty ones', () => {
    expect(proxyOf({ NO_PROXY: 'localhost' })).to.equal(undefined);
    expect(proxyOf({ HTTPS_PROXY: ' ', https_proxy: '' })).to.equal(undefined);
  });

  for (const name of ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'HTTP_PROXY', 'http_proxy'])
    it(`is the one in ${name}, whose scheme is http by default`, () => {
      expect(proxyOf({ [name]: 'proxy.example.com:3128' })).to.equal(`${name} http: proxy.example.com:3128`);
      expect(proxyOf({ [name]: '10.0.0.1:3128' })).to.equal(`${name} http: 10.0.0.1:3128`);
      expect(proxyOf({ [name]: ' https://user:hunter2@proxy ' })).to.equal(`${name} https: proxy:443`);
    });

  it('is the one in HTTPS_PROXY before ALL_PROXY before HTTP_PROXY', () => {
    const env = { http_proxy: 'c:3', ALL_PROXY: 'b:2', https_proxy: 'a:1' };
    expect(proxyOf(env)).to.equal('https_proxy http: a:1');
    expect(proxyOf({ ...env, https_proxy: '' })).to.equal('ALL_PROXY http: b:2');
  });

  it('is none for plain HTTP, as the metadata endpoint of managed identities uses it', () => {
    const urls = ['http://169.254.169.254/metadata/identity/oauth2/token', 'http://example.com'];
    const env = { HTTPS_PROXY: 'proxy:3128', HTTP_PROXY: 'proxy:3128' };
    expect(direct(env, urls)).to.deep.equal(['169.254.169.254', 'example.com']);
  });

  it('is none on the machine itself and its link-local network', () => {
    const urls = ['localhost', '127.0.0.1', '127.1.2.3', '[::1]', '169.254.169.254', '[fe80::1]'];
    const outside = ['localhost.example.com', '128.0.0.1', '[fd00::1]'];
    const all = [...urls, ...outside].map((host) => `https://${host}:6443`);
    expect(direct({ HTTPS_PROXY: 'proxy:3128' }, all)).to.deep.equal(urls);
  });

  it('is none for the API server of the cluster in which the process runs', () => {
    const urls = ['https://10.0.0.1', 'https://aks-1.hcp.eastus.azmk8s.io', 'https://kubernetes.default.svc', arm];
    const env = { HTTPS_PROXY: 'proxy:3128' };
    expect(direct({ ...env, KUBERNETES_SERVICE_HOST: '10.0.0.1' }, urls)).to.deep.equal([
      '10.0.0.1',
      'kubernetes.default.svc',
    ]);
    expect(direct({ ...env, KUBERNETES_SERVICE_HOST: 'AKS-1.hcp.eastus.azmk8s.io' }, urls)).to.deep.equal([
      'aks-1.hcp.eastus.azmk8s.io',
      'kubernetes.default.svc',
    ]);
    expect(direct({ ...env, KUBERNETES_SERVICE_HOST: 'fd00::7' })).to.deep.equal(['[fd00::7]']);
  });
});

describe('NO_PROXY', () => {
  const all = ['management.azure.com', 'login.microsoftonline.com', 'azure.com', '10.1.2.3', '[fd00::7]'];
  for (const [entries, hosts] of [
    ['*', all],
    ['azure.com', ['management.azure.com', 'azure.com']],
    ['.azure.com', ['management.azure.com']],
    ['*.azure.com', ['management.azure.com']],
    ['MANAGEMENT.azure.com', ['management.azure.com']],
    ['azure.com:443', ['management.azure.com', 'azure.com']],
    ['azure.com:8443', []],
    ['ure.com,localhost', []],
    ['10.1.2.3', ['10.1.2.3']],
    ['10.1.2.3:8443', ['10.1.2.3']],
    ['10.1.2.3:443', []],
    ['10.0.0.0/8', ['10.1.2.3']],
    ['fd00::/8 10.1.2.3/32', ['10.1.2.3', '[fd00::7]']],
    ['[fd00::7]:443', ['[fd00::7]']],
    ['[fd00::7]:6443,fd00::8', []],
    [' , login.microsoftonline.com ,', ['login.microsoftonline.com']],
  ] as const)
    it(`is read as Go reads it: ${JSON.stringify(entries)}`, () => {
      expect(direct({ HTTPS_PROXY: 'proxy:3128', NO_PROXY: entries })).to.deep.equal(hosts);
      expect(direct({ HTTPS_PROXY: 'proxy:3128', no_proxy: entries })).to.deep.equal(hosts);
    });

  for (const range of ['10.0.0.0/33', '10.0.0.0/', 'example.com/8', '/8'])
    it(`is rejected by name for ${range}`, () =>
      expect(() => checkProxyVariables({ NO_PROXY: range })).to.throw(/^NO_PROXY has .*range/));
});

describe('the address of a proxy', () => {
  for (const value of [
    'socks5://user:hunter2@proxy:1080',
    'http://',
    'http://user:hunter2@a b',
    '::',
    'proxy:port',
    'http://user:hunter2#@proxy',
    'http://user:hunter2@proxy/path',
  ])
    it(`is rejected without being shown: ${value}`, () =>
      expect(() => checkProxyVariables({ HTTPS_PROXY: value }))
        .to.throw(/^HTTPS_PROXY must be the address of an HTTP proxy/)
        .with.property('message')
        .that.does.not.contain('hunter2'));

  it('is rejected if its password cannot be decoded', () =>
    expect(() => parseProxy('HTTPS_PROXY', 'http://user:hunter%2@proxy'))
      .to.throw(/^HTTPS_PROXY has a user or password that is not percent-encoded/)
      .with.property('message')
      .that.does.not.contain('hunter'));

  it("gets a scheme, without which Azure's SDK fails", () => {
    expect(checkProxyVariables({ https_proxy: '10.0.0.1:3128' })).to.deep.equal({
      https_proxy: 'http://10.0.0.1:3128/',
    });
    expect(checkProxyVariables({ NO_PROXY: '*' })).to.deep.equal({});
  });
});
