import { expect } from 'chai';
import fc from 'fast-check';
import { isSecretName } from '../../../src/lib/redact.ts';
import { sanitize } from '../../../src/lib/sanitize.ts';
import { propertyRuns } from '../../property-runs.ts';

const readable = (text: string) => sanitize(text, 1_000);

describe('the redaction of secrets', () => {
  const cases: [shape: string, text: string, shown: string][] = [
    ['a member of JSON', '{"access_token":"abc","expires_in":3599}', '{"access_token":"[removed]","expires_in":3599}'],
    ['a member of JSON within JSON', '"{\\"client_secret\\":\\"abc\\"}"', '"{\\"client_secret\\":\\"[removed]\\"}"'],
    ['a member of JSON that was cut', '{"error":"no","refresh_token":"ab', '{"error":"no","refresh_token":"[removed]'],
    ['a member of YAML', 'client_secret: x', 'client_secret: [removed]'],
    ['a value of several words', 'a: 1\npassword: correct horse\nb: 2', 'a: 1 password: [removed] b: 2'],
    ['a block of YAML', 'password: |-\n  hunter2\nb: 2', 'password: [removed] b: 2'],
    [
      'a connection string',
      'AccountName=images;AccountKey=a+b/c==;EndpointSuffix=core.windows.net',
      'AccountName=images;AccountKey=[removed];EndpointSuffix=core.windows.net',
    ],
    ['a form', 'client_id=web&client_secret=s~x&scope=a', 'client_id=web&client_secret=[removed]&scope=a'],
    ['an environment variable', 'AZURE_CLIENT_SECRET=abc node', 'AZURE_CLIENT_SECRET=[removed] node'],
    ['an option', 'az login --password "a b"', 'az login --password "[removed]"'],
    ['a URL with credentials', 'via http://user:p@ss@proxy:3128/', 'via http://[removed]@proxy:3128/'],
    ['a header', 'Authorization: Basic dXNlcjpwdw==, Host: a', 'Authorization: [removed], Host: a'],
    ['a header of another kind', 'X-Api-Key: 123', 'X-Api-Key: [removed]'],
    ['user and password by themselves', 'sent Basic dXNlcjpwdw==', 'sent Basic [removed]'],
    ['a bearer token by itself', 'sent Bearer abc.def~1', 'sent Bearer [removed]'],
    ['a secret of an Entra application', `not abc8Q~${'x'.repeat(34)}`, 'not [removed]'],
    ['a private key', '-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY----- sent', '[removed] sent'],
  ];
  for (const [shape, text, shown] of cases) {
    it(`covers ${shape}`, () => {
      expect(readable(text)).to.equal(shown);
    });
  }

  const prose = [
    'Registry myACR0007 is Basic; geo-replication needs Premium',
    'ManagedIdentityCredential: Network unreachable',
    'ClientSecretCredential.getToken: refused',
    'invalid_client: AADSTS7000215: Invalid client secret provided for app web',
    'serviceaccounts "token" is forbidden: User "system:serviceaccount:secret:operator" cannot get resource',
    'see https://aka.ms/azsdk/js/identity for more, or write to help@example.com',
    'kubectl annotate serviceaccount -n web registries azure.workload.identity/client-id=00000000',
  ];
  for (const text of prose) {
    it(`leaves as it is: ${text}`, () => {
      expect(readable(text)).to.equal(text);
    });
  }

  it('covers the fields of a log line that hold secrets', () => {
    for (const name of ['authorization', 'token', 'accessToken', 'client_secret', 'password', 'AccountKey', 'sig'])
      expect(isSecretName(name), name).to.equal(true);
    for (const name of ['object', 'key', 'region', 'correlationId', 'tokens', 'secretName'])
      expect(isSecretName(name), name).to.equal(false);
  });

  describe('in any shape', () => {
    const name = fc
      .tuple(
        fc.constantFrom('', 'AZURE_', 'db-', 'x.'),
        fc.constantFrom('access_token', 'clientSecret', 'PASSWORD', 'AccountKey', 'api-key'),
      )
      .map((parts) => parts.join(''));
    /** Every secret contains "Q7", which the text around it does not. */
    const secretOf = (...extra: string[]) =>
      fc
        .array(fc.constantFrom('Q7', 'zK', '+', '/', '=', ':', '~', '.', '-', 'é', ...extra), {
          minLength: 1,
          maxLength: 20,
        })
        .map((parts) => `Q7${parts.join('')}Q7`);
    const spaces = fc.constantFrom('', ' ', '  ');
    const shapes: [string, fc.Arbitrary<string>][] = [
      [
        'JSON',
        fc
          .tuple(name, secretOf('"', '\\', '\n', ' ', '{', ',', "'"), fc.nat(2), fc.constantFrom(undefined, 2))
          .map(([key, secret, depth, indent]) => {
            let text = JSON.stringify({ before: 1, [key]: secret, after: true }, undefined, indent);
            for (let n = 0; n < depth; n++) text = JSON.stringify({ before: 1, message: text, after: true });
            return text;
          }),
      ],
      [
        'YAML',
        fc
          .tuple(name, secretOf('{', ')', '#'), spaces)
          .map(([key, secret, indent]) => `before: 1\n${indent}${key}: ${secret}\n${indent}after: 2`),
      ],
      [
        'a form or a connection string',
        fc
          .tuple(name, secretOf('{', ')', '%'), fc.constantFrom('&', ';', ' ', ', '), fc.boolean())
          .map(([key, secret, separator, isQuoted]) =>
            ['before=1', `${key}=${isQuoted ? `"${secret}"` : secret}`, 'after=2'].join(separator),
          ),
      ],
      [
        'a URL',
        fc
          .tuple(fc.constantFrom('https', 'http', 'socks5', 'amqp+tls'), secretOf('@', '%', '&'))
          .map(([scheme, secret]) => `before ${scheme}://user:${secret.replaceAll('/', '')}@host after`),
      ],
      [
        'a header',
        fc
          .tuple(
            fc.constantFrom('Authorization', 'proxy-authorization'),
            fc.constantFrom('Basic ', 'Bearer ', ''),
            secretOf(),
          )
          .map(([key, scheme, secret]) => `before; ${key}: ${scheme}${secret}; after`),
      ],
    ];
    for (const [shape, texts] of shapes) {
      it(`removes secrets from ${shape}, keeps the text around them, and is idempotent`, () => {
        fc.assert(
          fc.property(texts, (text) => {
            const shown = readable(text);
            expect(shown).not.to.contain('Q7');
            expect(shown).to.contain('before').and.to.contain('after').and.to.contain('[removed]');
            expect(readable(shown)).to.equal(shown);
          }),
          propertyRuns(500),
        );
      });
    }
  });
});
